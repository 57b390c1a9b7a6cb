package server

import (
	"encoding/binary"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/server/internal/wire"
)

// Types that only the edge speaks of.
const (
	typeNXNAME lookup.Type = 128 // RFC 9824 3
	typeTKEY   lookup.Type = 249 // RFC 2930
)

// special answers questions that are not for a resolver: other classes and
// meta-types. ok is false for a question that is ordinary after all.
func (s *Server) special(q *query) (p packet, ok bool) {
	if q.Class == lookup.ClassCH {
		return s.chaos(q), true
	}
	if q.Class != lookup.ClassIN {
		return refusal(lookup.REFUSED, lookup.EDENotSupported), true
	}
	switch q.Type {
	case lookup.TypeNone, lookup.TypeOPT, lookup.TypeTSIG: // RFC 6895 3.1: never a QTYPE
		return packet{rcode: lookup.FORMERR}, true
	case typeNXNAME: // RFC 9824 3.5
		return refusal(lookup.FORMERR, lookup.EDEInvalidQueryType), true
	case lookup.TypeMAILA, lookup.TypeMAILB, typeTKEY: // RFC 8906 3.1.4: never silence
		return packet{rcode: lookup.NOTIMP}, true
	case lookup.TypeAXFR:
		if q.proto == UDP { // RFC 5936 4.2: there is no such thing
			return packet{rcode: lookup.FORMERR}, true
		}
		return refusal(lookup.REFUSED, lookup.EDENotSupported), true
	case lookup.TypeIXFR: // RFC 1995 2
		return refusal(lookup.REFUSED, lookup.EDENotSupported), true
	}
	return packet{}, false
}

func refusal(rcode lookup.Rcode, code uint16) packet {
	return packet{rcode: rcode, rare: &rare{ede: []lookup.EDE{{Code: code}}}}
}

// Names of class CH that tell about the server (RFC 4892 2), in wire form.
const (
	versionBind   = "\x07version\x04bind\x00"
	versionServer = "\x07version\x06server\x00"
	hostnameBind  = "\x08hostname\x04bind\x00"
	idServer      = "\x02id\x06server\x00"
)

// chaos answers the TXT questions of class CH that the operator allows.
func (s *Server) chaos(q *query) packet {
	text := ""
	if q.Type == lookup.TypeTXT {
		switch q.Name() {
		case versionBind, versionServer:
			text = s.options.Version
		case hostnameBind, idServer:
			text = s.options.NSID
		}
	}
	if text == "" {
		return packet{rcode: lookup.REFUSED}
	}
	body := []byte{0xc0, wire.HeaderLen} // the owner is the question's name
	body = binary.BigEndian.AppendUint16(body, uint16(lookup.TypeTXT))
	body = binary.BigEndian.AppendUint16(body, uint16(lookup.ClassCH))
	body = append(body, 0, 0, 0, 0) // TTL
	body = binary.BigEndian.AppendUint16(body, uint16(1+len(text)))
	body = append(append(body, byte(len(text))), text...)
	return packet{flags: wire.AA, counts: wire.Counts{1, 0, 0}, image: string(body), optional: uint16(len(body))}
}
