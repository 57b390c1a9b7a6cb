package message

import (
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

// one is an RR as both sides can tell it.
type one struct {
	name  lookup.Name
	t     lookup.Type
	rdata string
}

func flat(sets []lookup.RRset) map[one]bool {
	all := map[one]bool{}
	for _, s := range sets {
		for rdata := range s.Data.All() {
			all[one{s.Name, s.Type, rdata}] = true
		}
		for rdata := range s.Sigs.All() {
			all[one{s.Name, lookup.TypeRRSIG, rdata}] = true
		}
	}
	return all
}

// folded is flat without letter case.
func folded(sets []lookup.RRset) map[one]bool {
	all := map[one]bool{}
	for rr := range flat(sets) {
		octets := []byte(rr.rdata)
		lower(octets)
		rr.rdata = string(octets)
		all[rr] = true
	}
	return all
}

// theirs flattens RRs that miekg/dns has read. It leaves out what is not in a
// Message, and what the library itself does not read and write alike.
func theirs(rrs []dns.RR) []one {
	var all []one
	for _, rr := range rrs {
		h := *rr.Header() // PackRR writes the length anew
		if h.Class != dns.ClassINET || h.Rrtype == dns.TypeOPT || h.Rdlength == 0 {
			continue
		}
		name, err := lookup.ParseName(h.Name)
		if err != nil {
			continue
		}
		rdata, err := lookup.PackRR(rr)
		if err != nil || len(rdata) != int(h.Rdlength) && !hasName(h.Rrtype) {
			continue
		}
		if again, err := lookup.UnpackRR(name, lookup.Type(h.Rrtype), 0, rdata); err != nil {
			continue
		} else if back, err := lookup.PackRR(again); err != nil || back != rdata {
			continue
		}
		all = append(all, one{name, lookup.Type(h.Rrtype), rdata})
	}
	return all
}

func hasName(t uint16) bool { return slices.Contains(layoutOf(lookup.Type(t)), name) }

// Whatever the octets: no panic; the RRs that the library reads, we read, unless
// their rdata breaks its layout; and what we read survives being written.
func FuzzDecode(f *testing.F) {
	for _, s := range samples() {
		f.Add(s.wire())
	}
	f.Add(packed(f, true, manyTypes, manyTypes, ""))
	f.Add(raw(f, 1, 1, 0, 1, askA, ownerIs, tail, "00 0029 04d0 00000000 0004 0003 0000"))
	f.Add(raw(f, 0, 1, 0, 0, "c00c", tail))
	var used Decoder // by all that came before
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > maxMessage {
			return
		}
		m, err := Decode(b)
		if other, wrong := used.Decode(b); wrong != err || err == nil && !reflect.DeepEqual(other, m) {
			t.Errorf("a Decoder that was used says %+v, %v, and a new one %+v, %v", other, wrong, m, err)
		}
		if err == nil {
			again(t, m)
		}
		compare(t, b)
	})
}

// compare has the library read b, write what it read, compressed, and read that
// again; what it then has must be in what we read. What it reads at first may be
// no message that anybody could have written: it follows pointers forwards and
// into the header, and fills up rdata that is too short.
func compare(t *testing.T, b []byte) {
	t.Helper()
	var other dns.Msg
	if other.Unpack(b) != nil {
		return
	}
	other.Compress = true
	b, err := other.Pack()
	if err != nil || len(b) > maxMessage || other.Unpack(b) != nil {
		return
	}
	m, err := Decode(b)
	if err != nil {
		return // some of it is not allowed by other rules than those of RRs
	}
	for _, c := range []struct {
		ours   []lookup.RRset
		theirs []dns.RR
	}{{m.Answer, other.Answer}, {m.Authority, other.Ns}, {m.Additional, other.Extra}} {
		ours := flat(c.ours)
		for _, rr := range theirs(c.theirs) {
			if !ours[rr] && wellFormed(rr) {
				t.Fatalf("the library has %v %v %x, we have\n%v", rr.name, rr.t, rr.rdata, c.ours)
			}
		}
	}
}

// wellFormed tells whether uncompressed rdata keeps to the layout of its type.
func wellFormed(rr one) bool {
	d := decoder{msg: append(make([]byte, headerLen), rr.rdata...), most: maxVisited}
	return d.rdata(rr.t, headerLen, len(d.msg))
}

// again writes what was read and reads it again.
func again(t *testing.T, m *Message) {
	t.Helper()
	r := &lookup.Response{Rcode: m.Rcode, AA: m.AA, Answer: m.Answer, Authority: m.Authority, Additional: m.Additional, Glue: len(m.Additional)}
	var q Question
	if len(m.Question) == 1 {
		q = m.Question[0]
	}
	b, at := AppendResponse(nil, Header{}, q, r, true)
	if at.End != len(b) || len(b) > maxMessage {
		t.Fatalf("%d octets, End %d", len(b), at.End)
	}
	back, err := Decode(b)
	if err != nil {
		t.Fatalf("%v\n%x", err, b)
	}
	if back.TC {
		return // it was too long once its names were written out
	}
	// Compression does not keep the letter case of names (RFC 4343 4.1), so RRs
	// that differ in nothing else become duplicates.
	for _, c := range [][2][]lookup.RRset{{back.Answer, m.Answer}, {back.Authority, m.Authority}, {back.Additional, m.Additional}} {
		if got, want := folded(c[0]), folded(c[1]); !maps.Equal(got, want) {
			t.Fatalf("wrote\n%v\nread\n%v", c[1], c[0])
		}
	}
}
