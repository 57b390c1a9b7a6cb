package rebinding

import (
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

func TestHintsAreFoundAlsoInRdataThatOnlyALenientClientReads(t *testing.T) {
	t.Parallel()
	r := newRanges(Options{})
	const head = "\x00\x01\x00" // priority 1, TargetName .
	for _, c := range []struct {
		sentence, rdata string
		want            bool
	}{
		{"as it should be", head + "\x00\x04\x00\x04\x0a\x00\x00\x01", true},
		{"an IPv4-mapped address, which RFC 9460 does not forbid", head + "\x00\x06\x00\x10" + strings.Repeat("\x00", 10) + "\xff\xff\x7f\x00\x00\x01", true},
		{"keys out of order (RFC 9460 2.2 forbids it)", head + "\x00\x06\x00\x00\x00\x04\x00\x04\x0a\x00\x00\x01", true},
		{"a key twice (RFC 9460 2.2 forbids it)", head + "\x00\x04\x00\x04\x08\x08\x08\x08\x00\x04\x00\x04\x0a\x00\x00\x01", true},
		{"the length promises more than there is", head + "\x00\x04\xff\xff\x08\x08\x08\x08\x0a\x00\x00\x01", true},
		{"a last address that is cut", head + "\x00\x04\x00\x04\x0a\x00\x00", false},
		{"octets behind the last whole address", head + "\x00\x04\x00\x05\x08\x08\x08\x08\x0a", false},
		{"in AliasMode (RFC 9460 2.4.2 has it ignored)", "\x00\x00\x00\x00\x04\x00\x04\x0a\x00\x00\x01", true},
		{"four octets in ipv6hint are no address", head + "\x00\x06\x00\x04\x0a\x00\x00\x01", false},
		{"half a parameter", head + "\x00\x04\x00", false},
		{"no parameter", head, false},
		{"no TargetName", "\x00\x01", false},
		{"a compressed TargetName (RFC 9460 2.2 forbids it)", "\x00\x01\xc0\x0c\x00\x04\x00\x04\x0a\x00\x00\x01", false},
		{"half a priority", "\x00", false},
		{"nothing", "", false},
	} {
		if got := r.offends(lookup.TypeSVCB, c.rdata); got != c.want {
			t.Errorf("%s: %v, want %v", c.sentence, got, c.want)
		}
	}
	for _, wrong := range []string{"", "\x0a\x00\x00", strings.Repeat("\x0a", 16)} {
		if r.offends(lookup.TypeA, wrong) || r.offends(lookup.TypeAAAA, wrong[:min(len(wrong), 4)]) {
			t.Errorf("%q passes for an address", wrong)
		}
	}
}

// The walk never panics, and what the library can read it reads alike.
func FuzzHints(f *testing.F) {
	for _, text := range []string{
		"x. HTTPS 1 . alpn=h2 ipv4hint=10.0.0.1 ipv6hint=2a00::1",
		"x. HTTPS 1 svc.x. ipv4hint=8.8.8.8,8.8.4.4 ipv6hint=fd00::1",
		"x. HTTPS 0 pool.x.",
		"x. HTTPS 1 . mandatory=ipv4hint ipv4hint=192.0.2.1 key65400=abc",
	} {
		f.Add([]byte(lookup.MustRRsets(text)[0].Data.First()))
	}
	r := newRanges(Options{})
	f.Fuzz(func(t *testing.T, rdata []byte) {
		got := r.hints(string(rdata))
		rr, err := lookup.UnpackRR(lookup.Root, lookup.TypeSVCB, 0, string(rdata))
		if err != nil {
			return
		}
		svcb, ok := rr.(*dns.SVCB)
		if back, err := lookup.PackRR(rr); !ok || err != nil || back != string(rdata) {
			return // the library read something into it that is not there
		}
		want := false
		for _, v := range svcb.Value {
			switch v := v.(type) {
			case *dns.SVCBIPv4Hint:
				for _, ip := range v.Hint {
					want = want || r.private4(string(ip.To4()))
				}
			case *dns.SVCBIPv6Hint:
				for _, ip := range v.Hint {
					want = want || r.private6(string(ip.To16()))
				}
			}
		}
		if got != want {
			t.Fatalf("%x: %v, want %v for %v", rdata, got, want, rr)
		}
	})
}
