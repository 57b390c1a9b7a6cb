package dig

import (
	"fmt"
	"strings"

	"github.com/miekg/dns"
)

// The key that the test server knows, as -y takes it.
const testSecret = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"

// signed answers a query with a TSIG, and returns false when the query has none.
func (s *testServer) signed(w dns.ResponseWriter, q, r *dns.Msg) bool {
	sig := q.IsTsig()
	if sig == nil {
		return false
	}
	now := int64(sig.TimeSigned)
	if err := w.TsigStatus(); err != nil {
		r.Rcode, r.Answer, r.Ns = dns.RcodeNotAuth, nil, nil
		code := uint16(dns.RcodeBadSig)
		if sig.Hdr.Name != "k.example." {
			code = dns.RcodeBadKey
		}
		r.Extra = append(r.Extra, &dns.TSIG{
			Hdr:       dns.RR_Header{Name: sig.Hdr.Name, Rrtype: dns.TypeTSIG, Class: dns.ClassANY},
			Algorithm: sig.Algorithm, TimeSigned: sig.TimeSigned, Fudge: 300, OrigId: q.Id, Error: code,
		})
		packed, _ := r.Pack()
		_, _ = w.Write(packed)
		return true
	}
	if q.Question[0].Name == "unsigned.example." {
		packed, _ := r.Pack()
		_, _ = w.Write(packed)
		return true
	}
	r.SetTsig(sig.Hdr.Name, sig.Algorithm, 300, now)
	packed, _, err := dns.TsigGenerate(r, testSecret, sig.MAC, false)
	if err != nil {
		panic(err)
	}
	if q.Question[0].Name == "forged.example." {
		packed[len(packed)-20] ^= 0xff
	}
	_, _ = w.Write(packed)
	return true
}

// transfers answers AXFR and IXFR; false when q is about something else.
func (s *testServer) transfers(w dns.ResponseWriter, q *dns.Msg) bool {
	if len(q.Question) != 1 || q.Question[0].Qtype != dns.TypeAXFR && q.Question[0].Qtype != dns.TypeIXFR {
		return false
	}
	var messages [][]dns.RR
	switch name := strings.ToLower(q.Question[0].Name); name {
	case "example.":
		messages = append(messages, s.rrs[:20], append(append([]dns.RR{}, s.rrs[20:]...), s.rrs[0]))
	case "small.example.":
		messages = small(q)
	case "cut.example.":
		messages = append(messages, small(q)[0][:1])
	case "headless.example.":
		messages = append(messages, small(q)[0][1:])
	default:
		r := new(dns.Msg).SetRcode(q, dns.RcodeRefused)
		if !s.signed(w, q, r) {
			_ = w.WriteMsg(r)
		}
		return true
	}
	out := make(chan *dns.Envelope)
	go func() {
		for _, m := range messages {
			out <- &dns.Envelope{RR: m}
		}
		close(out)
	}()
	_ = new(dns.Transfer).Out(w, q, out)
	if q.Question[0].Name == "cut.example." {
		_ = w.Close()
	}
	return true
}

// small is a zone of version 3, in pieces of one message each. Version 1 is known
// for IXFR, too.
func small(q *dns.Msg) [][]dns.RR {
	rr := func(text string) dns.RR {
		rr, err := dns.NewRR(text)
		if err != nil {
			panic(err)
		}
		return rr
	}
	soa := func(serial int) dns.RR {
		return rr(fmt.Sprintf("small.example. 3600 IN SOA ns1.example. host.master.example. %d 7200 3600 1209600 300", serial))
	}
	ns, old, young := rr("small.example. 3600 IN NS ns1.example."), rr("a.small.example. 300 IN A 192.0.2.1"), rr("a.small.example. 300 IN A 192.0.2.3")
	if q.Question[0].Qtype == dns.TypeIXFR {
		switch serial := q.Ns[0].(*dns.SOA).Serial; {
		case serial >= 3:
			return [][]dns.RR{{soa(3)}}
		case serial == 1:
			return [][]dns.RR{{soa(3), soa(1), old, soa(2)}, {rr("b.small.example. 300 IN A 192.0.2.2"), soa(2)}, {soa(3), young, soa(3)}}
		}
	}
	return [][]dns.RR{{soa(3), ns}, {young}, {soa(3)}}
}
