package server

import (
	"context"

	"github.com/sextant-dns/sextant/lookup"
)

// Seclude says which zones are not for everybody from now on: what is asked about
// them, views have no part in, but Options.Secluded alone. Without Options.Zones
// there are none.
func (s *Server) Seclude(zones ...lookup.Name) {
	set := make(map[lookup.Name]struct{}, len(zones))
	for _, z := range zones {
		set[z] = struct{}{}
	}
	s.secluded.Store(&set)
}

// isSecluded tells whether q is about such a zone. It costs next to nothing when there
// are none, and allocates nothing when there are.
func (s *Server) isSecluded(q *query) bool {
	set := s.secluded.Load()
	if set == nil || len(*set) == 0 || s.options.Zones == nil || q.Class != lookup.ClassIN || q.Flags.Opcode() != 0 {
		return false
	}
	key := q.Key()
	if len(key) < 4 {
		return false
	}
	for name := key[:len(key)-4]; len(name) > 0; name = name[1+int(name[0]):] { // without type and class
		if _, in := (*set)[lookup.Name(name)]; in {
			return true
		}
		if name[0] == 0 {
			break
		}
	}
	return false
}

// seclude replies to a query about a zone that is not for everybody, and keeps it out of
// the packet cache: the next client is another one.
func (s *Server) seclude(ctx context.Context, dst []byte, q *query, key lookup.Name) []byte {
	if s.options.Secluded == nil {
		return s.fail(dst, q, lookup.REFUSED, lookup.EDE{Code: lookup.EDEProhibited})
	}
	asked := lookup.Question{Name: q.Name(), Type: q.Type, Class: q.Class, DO: q.DO}
	response := s.options.Secluded(ctx, clientOf(q.from), key, asked)
	p := s.pack(q, response)
	p.born = s.options.Now().UnixNano()
	p.traits |= ageless
	return s.render(dst, q, &p)
}
