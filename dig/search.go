package dig

import (
	"bufio"
	"bytes"
	"net/netip"
	"strconv"
	"strings"
)

// search is what becomes of a name that may not be complete. It is for all
// queries of a command line, wherever it was typed.
type search struct {
	on      bool
	show    bool     // what the tries said that led to nothing
	domain  string   // in place of the system's list
	ndots   int      // a name with as many dots is complete; -1: as the system has it
	origins []string // what names are completed with
}

// system is what resolv.conf says.
type system struct {
	servers []string
	origins []string
	ndots   int
}

// system reads resolv.conf (resolv.conf(5)); what is not there is the default.
func (p *parser) system() system {
	s := system{ndots: 1}
	text, err := p.readFile(p.resolv)
	if err != nil {
		return s
	}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) < 2 {
			continue
		}
		switch words[0] {
		case "nameserver":
			s.servers = append(s.servers, words[1])
		case "domain", "search": // the last one counts
			s.origins = words[1:]
		case "options":
			for _, word := range words[1:] {
				if n, err := strconv.Atoi(strings.TrimPrefix(word, "ndots:")); err == nil && n >= 0 {
					s.ndots = n
				}
			}
		}
	}
	return s
}

// systemServers are the name servers of resolv.conf, or this host.
func (p *parser) systemServers(s system) []server {
	var servers []server
	for _, text := range s.servers {
		if a, err := netip.ParseAddr(text); err == nil && p.command.usable(a) {
			servers = append(servers, server{a, text})
		}
	}
	for _, text := range []string{"::1", "127.0.0.1"} {
		if a := netip.MustParseAddr(text); len(s.servers) == 0 && p.command.usable(a) {
			servers = append(servers, server{a, text})
		}
	}
	return servers
}

// complete fills in what the system decides.
func (s *search) complete(from system) {
	switch {
	case s.domain != "":
		s.on, s.origins = true, []string{s.domain}
	case s.on:
		s.origins = from.origins
	}
	if s.ndots < 0 {
		s.ndots = from.ndots
	}
}

// names are those to ask for, one after the other while there is none of that
// name: below each origin, and as it was typed.
func (s *search) names(typed string) []string {
	if !s.on || strings.Count(typed, ".") >= s.ndots {
		return []string{typed}
	}
	var all []string
	for _, origin := range s.origins {
		all = append(all, typed+"."+strings.TrimPrefix(origin, "."))
	}
	return append(all, typed)
}

func searchOptions() []plusOption {
	sets := func(set func(s *search, on bool), names ...string) plusOption {
		return plusOption{names: names, set: func(p *parser, q *query, on bool, _ string) error {
			if q.walk != walkTrace {
				set(&p.command.search, on)
			}
			return nil
		}}
	}
	return []plusOption{
		sets(func(s *search, on bool) { s.on = on }, "search"),
		sets(func(s *search, on bool) { s.on = on }, "defname"),
		sets(func(s *search, on bool) { s.on, s.show = on, on }, "showsearch"),
		{names: []string{"domain"}, value: needed, always: true, set: func(p *parser, _ *query, _ bool, value string) error {
			p.command.search.domain = value
			return nil
		}},
		{names: []string{"ndots"}, value: needed, always: true, set: func(p *parser, _ *query, _ bool, value string) error {
			n, err := number("ndots", value, 0xffff)
			if err != nil {
				return err
			}
			p.command.search.ndots = n
			return nil
		}},
	}
}
