package lint

import (
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/probe"
)

// ordinary is an authority for example. that keeps to RFC 8906.
func ordinary(t *testing.T) responder {
	return func(q *dns.Msg) *dns.Msg {
		r := new(dns.Msg).SetReply(q)
		r.Opcode = q.Opcode
		r.RecursionDesired = q.RecursionDesired
		opts := 0
		for _, e := range q.Extra {
			if e.Header().Rrtype == dns.TypeOPT {
				opts++
			}
		}
		opt := q.IsEdns0()
		if opt != nil {
			r.SetEdns0(1232, opt.Do())
		}
		switch {
		case opts > 1:
			r.Rcode = dns.RcodeFormatError
		case q.Opcode != dns.OpcodeQuery:
			r.Rcode = dns.RcodeNotImplemented
		case opt != nil && opt.Version() > 0:
			r.Rcode = dns.RcodeBadVers
		case len(q.Question) == 1:
			r.Authoritative = true
			if q.Question[0].Qtype == dns.TypeSOA {
				r.Answer = []dns.RR{rr(t, "example. 60 SOA ns.example. h.example. 1 2 3 4 5")}
			}
		}
		return r
	}
}

func TestServersAreAskedAllOfRFC8906(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(q, r *dns.Msg) *dns.Msg
		want  []string
	}{
		"good":                {func(_, r *dns.Msg) *dns.Msg { return r }, nil},
		"two OPTs":            {func(q, r *dns.Msg) *dns.Msg { return unless(r.Rcode == dns.RcodeFormatError, r, q) }, []string{"6891-two-opt"}},
		"no room":             {func(q, r *dns.Msg) *dns.Msg { return tiny(q, r) }, []string{"6891-tiny"}},
		"options come back":   {echoing, []string{"8906-2.3", "8906-2.6"}},
		"refuses new EDNS":    {func(q, r *dns.Msg) *dns.Msg { return unless(r.Rcode == dns.RcodeBadVers, r, q) }, []string{"8906-2.2", "8906-2.5", "8906-2.6", "8906-2.9"}},
		"does not know types": {unknownTypes, []string{"8906-1.2"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			good := ordinary(t)
			r, err := EDNS(t.Context(), client(t, func(q *dns.Msg) *dns.Msg { return c.spoil(q, good(q)) }), "example")
			if err != nil {
				t.Fatal(err)
			}
			if got := wrong(r); !slices.Equal(got, c.want) {
				t.Errorf("%v, want %v\n%+v", got, c.want, r.Checks)
			}
			if len(c.want) > 0 != (r.Worst() == Error) || r.Count(Error) != len(c.want) {
				t.Errorf("worst %v, %d errors", r.Worst(), r.Count(Error))
			}
		})
	}
}

// unless has what is so made into the answer to an ordinary question.
func unless(so bool, r, q *dns.Msg) *dns.Msg {
	if so {
		r.Rcode, r.Authoritative = dns.RcodeSuccess, true
		if len(q.Question) > 0 {
			soa, _ := dns.NewRR("example. 60 SOA ns.example. h.example. 1 2 3 4 5")
			r.Answer = []dns.RR{soa}
		}
	}
	return r
}

func tiny(q, r *dns.Msg) *dns.Msg {
	if opt := q.IsEdns0(); opt != nil && opt.UDPSize() < dns.MinMsgSize {
		r.Answer, r.Truncated = nil, true
	}
	return r
}

func echoing(q, r *dns.Msg) *dns.Msg {
	if opt := q.IsEdns0(); opt != nil && r.IsEdns0() != nil {
		for _, o := range opt.Option {
			if o.Option() == 100 {
				r.IsEdns0().Option = append(r.IsEdns0().Option, o)
			}
		}
	}
	return r
}

func unknownTypes(q, r *dns.Msg) *dns.Msg {
	if len(q.Question) > 0 && q.Question[0].Qtype != dns.TypeSOA && q.Question[0].Qtype != dns.TypeDNSKEY {
		r.Rcode = dns.RcodeNotImplemented
	}
	return r
}

func TestNobodyThereIsAnError(t *testing.T) {
	t.Parallel()
	at := netip.MustParseAddrPort("127.0.0.1:1")
	c := probe.New(at, probe.Options{Timeout: time.Second, Tries: 1})
	if _, err := EDNS(t.Context(), c, "example"); !errors.Is(err, ErrSilent) {
		t.Error(err)
	}
	if _, err := ECSResolver(t.Context(), c, Resolver{Name: "."}); !errors.Is(err, ErrSilent) {
		t.Error(err)
	}
	if _, err := DNS64(t.Context(), c, LabNames()); !errors.Is(err, ErrSilent) {
		t.Error(err)
	}
}
