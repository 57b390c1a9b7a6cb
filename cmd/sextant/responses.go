package main

import (
	"github.com/sextant-dns/sextant/config"
	"github.com/sextant-dns/sextant/resolver"
	"github.com/sextant-dns/sextant/server"
)

func order(o config.Order) server.Order {
	switch o {
	case config.OrderCyclic:
		return server.OrderCyclic
	case config.OrderRandom:
		return server.OrderRandom
	}
	return server.OrderFixed
}

func anyAnswer(a config.Any) resolver.Any {
	switch a {
	case config.AnyMinimal:
		return resolver.AnyMinimal
	case config.AnyRefuse:
		return resolver.AnyRefuse
	}
	return resolver.AnyFull
}
