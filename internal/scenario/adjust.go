package scenario

import (
	"encoding/binary"

	"github.com/sextant-dns/sextant/message"
)

// adjusted is the entry's packet as it is sent in reply to query. The entry is
// left as it is.
func (e *Entry) adjusted(query *Packet) *Packet {
	p := e.Packets[0]
	if e.Adjust.CopyID {
		p.Header.ID = query.Header.ID
	}
	if e.Adjust.CopyQuery && len(query.Question) > 0 {
		rest := p.Question
		if len(rest) > 0 {
			rest = rest[1:]
		}
		p.Question = append([]RR{query.Question[0]}, rest...)
	}
	if e.Adjust.CopyScope && p.OPT != nil {
		opt := *p.OPT
		opt.Data = scopeFromSource(opt.Data, e.Adjust.IncrementECSScope)
		p.OPT = &opt
	}
	return &p
}

// scopeFromSource sets the scope of an EDNS Client Subnet option, which must be
// the only option, to its source prefix length (RFC 7871 6), or to one more.
func scopeFromSource(data string, more bool) string {
	if len(data) < 8 || binary.BigEndian.Uint16([]byte(data)) != message.OptionSubnet {
		return data
	}
	scope := data[6]
	if more {
		scope++
	}
	return data[:7] + string([]byte{scope}) + data[8:]
}
