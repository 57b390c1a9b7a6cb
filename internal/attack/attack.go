package attack

import (
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
)

// Attack is a hostile part of the DNS and the client that walks into it.
type Attack struct {
	Name   string // as a table prints it
	Origin string // the paper, CVE or RFC that describes it

	// Lay puts the hostile zones into an Internet.
	Lay func(*Internet)

	// Ask is the i-th question of the hostile client, from 0 on.
	Ask func(i int) lookup.Question

	Validation resolver.Validation // that the resolver does; the zero value: none

	Queries int // of the hostile client; default 20
	AtOnce  int // how many of them are asked at the same time; default 1
}

func (a Attack) withDefaults() Attack {
	if a.Queries == 0 {
		a.Queries = 20
	}
	if a.AtOnce == 0 {
		a.AtOnce = 1
	}
	return a
}

// one asks the same question always.
func one(name string) func(int) lookup.Question {
	return func(int) lookup.Question { return asA("%s", name) }
}

// fresh asks for another name below zone every time, which no cache has.
func fresh(zone string) func(int) lookup.Question {
	return func(i int) lookup.Question { return asA("x%d.%s", i, zone) }
}
