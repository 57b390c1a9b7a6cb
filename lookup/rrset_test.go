package lookup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

func TestRdataKeepsItsRRsInOrder(t *testing.T) {
	t.Parallel()
	rrs := []string{"\x01\x02\x03\x04", "", strings.Repeat("x", 65535)}
	d := PackRdata(rrs...)
	if got := slices.Collect(d.All()); !slices.Equal(got, rrs) {
		t.Errorf("All gives %d RRs, want the three that went in", len(got))
	}
	if d.Len() != 3 || d.First() != rrs[0] {
		t.Errorf("Len %d, First %q", d.Len(), d.First())
	}
	if got := slices.Collect(Rdata("\x00\x09cut").All()); got != nil {
		t.Errorf("a cut Rdata gives %q", got)
	}
}

func TestRRsetsComeFromPresentationAndGoBack(t *testing.T) {
	t.Parallel()
	sets := MustRRsets(`
www.Example.com. 300 IN A 192.0.2.1
www.example.com. 200 IN A 192.0.2.2
example.com. 3600 IN NS Ns1.Example.com.
`)
	if len(sets) != 2 {
		t.Fatalf("%d RRsets, want 2", len(sets))
	}
	// RFC 2181 5.2: differing TTLs are an error; the lowest counts.
	if www := sets[0]; www.TTL != 200 || www.Data.Len() != 2 || www.Name != MustName("www.example.com.") {
		t.Errorf("got %v", www)
	}
	// RFC 2181 11 and RFC 1035 2.3.3: rdata keeps its case, Target is for comparing.
	if ns := sets[1]; !strings.HasSuffix(ns.String(), "Ns1.Example.com.") {
		t.Errorf("letter case lost: %v", ns)
	} else if target, ok := ns.Target(); !ok || target != MustName("ns1.example.com.") {
		t.Errorf("Target = %v, %v", target, ok)
	}
}

func TestRRSIGsJoinWhatTheyCover(t *testing.T) {
	t.Parallel()
	const sig = ` 300 IN RRSIG A 13 2 300 20300101000000 20200101000000 1 example.com. AAAA`
	with := MustRRsets("example.com. 300 IN A 192.0.2.1\nexample.com." + sig)
	if len(with) != 1 || with[0].Sigs.Len() != 1 || with[0].Data.Len() != 1 {
		t.Errorf("got %v", with)
	}
	alone := MustRRsets("example.com." + sig)
	if len(alone) != 1 || alone[0].Type != TypeRRSIG || alone[0].Data.Len() != 1 {
		t.Errorf("got %v", alone)
	}
}

func TestNegativeTTLIsTheLowerOfTwo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		soa  string
		want uint32
	}{
		{"example. 3600 IN SOA ns. host. 1 2 3 4 900", 900},
		{"example. 60 IN SOA ns. host. 1 2 3 4 900", 60},
	} {
		r := Response{Rcode: NXDOMAIN, Authority: MustRRsets(c.soa)}
		if got := r.TTL(); got != c.want {
			t.Errorf("%s: TTL %d, want %d", c.soa, got, c.want)
		}
	}
}

func TestAgedCopiesAndNeverGoesBelowZero(t *testing.T) {
	t.Parallel()
	r := &Response{Answer: MustRRsets("a. 10 IN A 192.0.2.1\nb. 300 IN A 192.0.2.2")}
	aged := r.Aged(20)
	if aged.Answer[0].TTL != 0 || aged.Answer[1].TTL != 280 {
		t.Errorf("aged TTLs %d, %d", aged.Answer[0].TTL, aged.Answer[1].TTL)
	}
	if r.Answer[0].TTL != 10 || r.Answer[1].TTL != 300 {
		t.Error("Aged changed the response that it was given")
	}
	if r.TTL() != 10 {
		t.Errorf("TTL %d, want 10", r.TTL())
	}
	if (&Response{Answer: r.Answer, Uncacheable: true}).TTL() != 0 {
		t.Error("an uncacheable response has a TTL")
	}
	if (&Response{Rcode: SERVFAIL}).TTL() != 0 {
		t.Error("a response without RRs has a TTL")
	}
}

func TestChaseEndsWhereTheChainEndsAlsoWhenItLoops(t *testing.T) {
	t.Parallel()
	r := Response{Answer: MustRRsets("a. CNAME b.\nb. CNAME c.\nc. A 192.0.2.1")}
	if chain, end := r.Chase(MustName("a.")); len(chain) != 2 || end != MustName("c.") {
		t.Errorf("chain %v ends at %v", chain, end)
	}
	loop := Response{Answer: MustRRsets("a. CNAME b.\nb. CNAME a.")}
	if chain, _ := loop.Chase(MustName("a.")); len(chain) > 2 {
		t.Errorf("the loop gave %d hops", len(chain))
	}
}

func TestBudgetIsNeverRefilled(t *testing.T) {
	t.Parallel()
	b := NewBudget(Limits{Upstream: 2, Aliases: 1})
	got := []bool{b.Upstream(), b.Upstream(), b.Upstream(), b.Alias(), b.Alias()}
	if want := []bool{true, true, false, true, false}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if b.Sent() != 2 {
		t.Errorf("Sent = %d", b.Sent())
	}
}

func TestEDETravelsWithTheError(t *testing.T) {
	t.Parallel()
	err := error(Fail(EDENoReachableAuth, "all %d servers silent", 3))
	if got := EDEOf(err).String(); got != "22 (No Reachable Authority): all 3 servers silent" {
		t.Errorf("got %q", got)
	}
	if got := EDEOf(fmt.Errorf("asking: %w", context.DeadlineExceeded)).Code; got != EDENoReachableAuth {
		t.Errorf("a deadline that passed has EDE %d", got)
	}
	if got := EDEOf(errors.New("whatever")).Code; got != EDEOther {
		t.Errorf("any other error has EDE %d", got)
	}
}

func FuzzRRsetTextAndBack(f *testing.F) {
	f.Add("example. 60 IN MX 10 mx.example.")
	f.Add("example. 60 IN HTTPS 1 . alpn=h2 ipv4hint=192.0.2.1")
	f.Add(`example. 60 IN TYPE65400 \# 3 010203`)
	f.Fuzz(func(t *testing.T, text string) {
		rr, err := dns.NewRR(text)
		if err != nil || rr == nil || rr.Header().Class != dns.ClassINET {
			return
		}
		sets, err := FromRRs([]dns.RR{rr})
		if err != nil || len(sets) != 1 {
			return
		}
		again, err := ParseRRsets(sets[0].String())
		if err != nil {
			return // the library prints some types in forms that it does not read
		}
		if len(again) != 1 || again[0] != sets[0] {
			t.Fatalf("%q -> %v -> %v", text, sets, again)
		}
	})
}
