package secondary

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

var (
	apex = strings.SplitAfter(zone(7), "\n")[0]
	ns   = "example. 60 IN NS ns.example."
	addr = "ns.example. 60 IN A 192.0.2.7"
)

// Every stream of messages that a primary may send, and what comes of it.
func TestTransfers(t *testing.T) {
	t.Parallel()
	in := func(change func(*dns.Msg)) reply {
		return reply{rrs: []string{apex, ns, addr, apex}, change: change}
	}
	for _, c := range []struct {
		what    string
		replies []reply
		want    string // a part of the error; "" if there is none
	}{
		{"in one message", []reply{msg(apex, ns, addr, apex)}, ""},
		{"an RR in each message", []reply{msg(apex), msg(ns), msg(addr), msg(apex)}, ""},
		{"only the first repeats the question", []reply{msg(apex, ns), {rrs: []string{addr, apex}, change: func(m *dns.Msg) { m.Question = nil }}}, ""},
		{"a message without RRs", []reply{msg(apex), msg(), msg(ns, addr, apex)}, ""},
		{"the same RR twice", []reply{msg(apex, ns, ns, addr, apex)}, ""},
		{"the final SOA in other letters", []reply{msg(apex, ns, addr, strings.ReplaceAll(apex, "host", "HOST"))}, ""},
		{"an RR in the additional section", []reply{in(func(m *dns.Msg) { m.SetEdns0(1232, false) })}, ""},
		{"a type that nobody knows", []reply{msg(apex, ns, addr, `x.example. 60 IN TYPE65280 \# 3 abcdef`, apex)}, ""},

		{"nothing at all", nil, "the connection ended"},
		{"cut off after a message", []reply{msg(apex, ns)}, "the connection ended"},
		{"a final SOA with another serial", []reply{msg(apex, ns, addr, strings.SplitAfter(zone(8), "\n")[0])}, "ends with another SOA"},
		{"a final SOA with another name in it", []reply{msg(apex, ns, addr, strings.ReplaceAll(apex, "host", "post"))}, "ends with another SOA"},
		{"RRs behind the final SOA", []reply{msg(apex, ns, addr, apex, ns)}, "something follows"},
		{"no SOA at the beginning", []reply{msg(ns, apex, addr, apex)}, "something else than the SOA"},
		{"the SOA of another zone at the beginning", []reply{msg(strings.ReplaceAll(apex, "example. 60", "x.example. 60"), ns, addr, apex)}, "something else than the SOA"},
		{"an RR out of the zone", []reply{msg(apex, ns, addr, "example.com. 60 IN A 192.0.2.1", apex)}, "not in zone"},
		{"an RR of a name that only ends alike", []reply{msg(apex, ns, addr, "badexample. 60 IN A 192.0.2.1", apex)}, "not in zone"},
		{"an RR of another class", []reply{msg(apex, ns, addr, "x.example. 60 CH TXT x", apex)}, "class CH"},
		{"an RR that no zone may hold", []reply{{rrs: []string{apex, ns, addr, apex}, change: func(m *dns.Msg) {
			m.Answer[2] = &dns.OPT{Hdr: dns.RR_Header{Name: "example.", Rrtype: dns.TypeOPT, Class: 1}}
		}}}, "a type that no zone may hold"},
		{"a SOA inside the zone", []reply{msg(apex, ns, addr, strings.ReplaceAll(apex, "example. 60", "x.example. 60"), apex)}, "a SOA belongs at"},
		{"no NS", []reply{msg(apex, addr, apex)}, "no NS"},
		{"nothing but the SOA", []reply{msg(apex, apex)}, "no NS"},
		{"a CNAME beside other data", []reply{msg(apex, ns, addr, "ns.example. 60 IN CNAME x.example.", apex)}, "beside a CNAME"},
		{"REFUSED", []reply{{change: func(m *dns.Msg) { m.Rcode = dns.RcodeRefused }}}, "answered REFUSED"},
		{"NOTAUTH without the question", []reply{{change: func(m *dns.Msg) { m.Rcode, m.Question = dns.RcodeNotAuth, nil }}}, "answered NOTAUTH"},
		{"an error in the middle", []reply{msg(apex, ns), {change: func(m *dns.Msg) { m.Rcode = dns.RcodeServerFailure }}}, "answered SERVFAIL"},
		{"another ID", []reply{in(func(m *dns.Msg) { m.Id++ })}, "does not belong"},
		{"a query", []reply{in(func(m *dns.Msg) { m.Response = false })}, "does not belong"},
		{"another opcode", []reply{in(func(m *dns.Msg) { m.Opcode = dns.OpcodeNotify })}, "does not belong"},
		{"no question", []reply{in(func(m *dns.Msg) { m.Question = nil })}, "does not belong"},
		{"another question", []reply{in(func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeSOA })}, "does not belong"},
		{"another name", []reply{in(func(m *dns.Msg) { m.Question[0].Name = "x.example." })}, "does not belong"},
		{"another question later", []reply{msg(apex, ns), in(func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeSOA })}, "does not belong"},
		{"no authority, as Knot has it", []reply{in(func(m *dns.Msg) { m.Authoritative = false })}, ""},
		{"truncated", []reply{in(func(m *dns.Msg) { m.Truncated = true })}, "truncated"},
		{"garbage", []reply{{raw: bytes.Repeat([]byte{0xff}, 100)}}, "malformed"},
		{"hardly anything", []reply{{raw: []byte{0, 0, 0}}}, "malformed"},
		{"rdata that does not fit", []reply{fiveOctets(t)}, "malformed"},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				copied, _, p := newCopy(t, zone(7))
				p.script = func(*dns.Msg) []reply {
					if c.replies == nil {
						return []reply{}
					}
					return c.replies
				}
				err := copied.transfer(t.Context(), copied.options.Primaries[0], nil)
				z, ok := copied.Zone()
				switch {
				case c.want == "" && (err != nil || !ok || z.SOA().Name != "\x07example\x00"):
					t.Errorf("%v, %v", z, err)
				case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || ok):
					t.Errorf("got %v, want %s", err, c.want)
				}
			})
		})
	}
}

// What decides whether a zone is transferred must come from an authority.
func TestSerialOfNoAuthority(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		copied, _, p := newCopy(t, zone(7))
		p.script = func(*dns.Msg) []reply {
			return []reply{{rrs: []string{apex}, change: func(m *dns.Msg) { m.Authoritative = false }}}
		}
		if _, _, err := copied.serial(t.Context(), copied.options.Primaries[0]); !errors.Is(err, errNoAnswer) {
			t.Errorf("got %v", err)
		}
	})
}

// fiveOctets is a transfer with an address of five octets in it.
func fiveOctets(t *testing.T) reply {
	t.Helper()
	q := new(dns.Msg).SetAxfr("example.")
	b := msg(apex, ns, addr, apex).pack(t, q)
	at := bytes.Index(b, []byte{0, 4, 192, 0, 2, 7})
	b[at+1] = 5
	return reply{raw: append(b[:at+6:at+6], append([]byte{0}, b[at+6:]...)...)}
}

func TestATransferEndsAtItsLimits(t *testing.T) {
	t.Parallel()
	endless := func(*dns.Msg) []reply {
		replies := []reply{msg(apex, ns)}
		for range 1000 {
			replies = append(replies, msg(ns))
		}
		return append(replies, msg(addr, apex))
	}
	long := "*." + strings.Repeat(strings.Repeat("x", 60)+".", 3) + "example. 60 IN A 192.0.2.1"
	for what, c := range map[string]struct {
		script func(*dns.Msg) []reply
		limit  func(*Options)
		want   error
	}{
		"octets":                {endless, func(o *Options) { o.MaxOctets = 10_000 }, errTooLarge},
		"octets of empty ones":  {func(*dns.Msg) []reply { return append(slices.Repeat([]reply{msg()}, 1000), msg(apex, ns, addr, apex)) }, func(o *Options) { o.MaxOctets = 10_000 }, errTooLarge},
		"compressed octets":     {func(*dns.Msg) []reply { return []reply{msg(apex, ns, long, long, long, long, addr, apex)} }, func(o *Options) { o.MaxOctets = 700 }, errTooLarge},
		"an octet too few":      {func(*dns.Msg) []reply { return nil }, func(o *Options) { o.MaxOctets = 1 }, errTooLarge},
		"time for a message":    {func(*dns.Msg) []reply { time.Sleep(11 * time.Second); return nil }, func(*Options) {}, os.ErrDeadlineExceeded},
		"time for the transfer": {func(*dns.Msg) []reply { time.Sleep(6 * time.Second); return nil }, func(o *Options) { o.MaxTime = 5 * time.Second }, nil},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				copied, w, p := newCopy(t, zone(7), c.limit)
				p.script = func(q *dns.Msg) []reply {
					if q.Question[0].Qtype == dns.TypeSOA {
						return nil
					}
					w.mu.Unlock() // it may sleep
					defer w.mu.Lock()
					return c.script(q)
				}
				err := copied.consult(t.Context(), copied.options.Primaries[0])
				time.Sleep(time.Minute)
				if err == nil || c.want != nil && !errors.Is(err, c.want) {
					t.Errorf("got %v, want %v", err, c.want)
				}
			})
		})
	}
}

// soaLine is the first line of zone(serial).
func soaLine(serial int) string { return strings.SplitAfter(zone(serial), "\n")[0] }

func TestChanges(t *testing.T) {
	t.Parallel()
	a := func(n int) string { return fmt.Sprintf("ns.example. 60 IN A 192.0.2.%d", n) }
	nine := sorted(strings.TrimSpace(zone(9)))
	for _, c := range []struct {
		what    string
		replies []reply // to IXFR from 7; the zone is at 9
		wrong   string  // with them, so that the whole zone is transferred; "" if nothing
	}{
		{"in two steps", []reply{msg(soaLine(9), soaLine(7), a(7), soaLine(8), a(8), soaLine(8), a(8), soaLine(9), a(9), soaLine(9))}, ""},
		{"condensed", []reply{msg(soaLine(9), soaLine(7), a(7), soaLine(9), a(9), soaLine(9))}, ""},
		{"an RR in each message", []reply{msg(soaLine(9)), msg(soaLine(7)), msg(a(7)), msg(soaLine(9)), msg(a(9)), msg(soaLine(9))}, ""},
		{"as a whole", []reply{msg(soaLine(9), ns, a(9), soaLine(9))}, ""},
		{"first put in, then taken out", []reply{msg(soaLine(9), soaLine(7), soaLine(8), a(9), soaLine(8), a(7), soaLine(9), soaLine(9))}, ""},

		{"not implemented", []reply{{change: func(m *dns.Msg) { m.Rcode = dns.RcodeNotImplemented }}}, "answered NOTIMP"},
		{"no changes", []reply{msg(soaLine(7))}, "there are no changes"},
		{"only the SOA", []reply{msg(soaLine(9))}, "the connection ended"},
		{"changes to another serial", []reply{msg(soaLine(9), soaLine(6), a(6), soaLine(9), a(9), soaLine(9))}, "do not follow"},
		{"a gap", []reply{msg(soaLine(9), soaLine(7), a(7), soaLine(8), a(8), soaLine(7), soaLine(9), a(9), soaLine(9))}, "do not follow"},
		{"backwards", []reply{msg(soaLine(9), soaLine(7), a(7), soaLine(6), a(9), soaLine(9))}, "do not follow"},
		{"backwards and on", []reply{msg(soaLine(9), soaLine(7), a(7), soaLine(6), a(6), soaLine(6), a(6), soaLine(9), a(9), soaLine(9))}, "do not follow"},
		{"two SOAs and nothing else", []reply{msg(soaLine(9), soaLine(9))}, "do not follow"},
		{"a name outside the zone", []reply{msg(soaLine(9), soaLine(7), "example.com. 60 IN A 192.0.2.1", soaLine(9), a(9), soaLine(9))}, "not in zone"},
		{"taking out what is not there", []reply{msg(soaLine(9), soaLine(7), a(77), soaLine(9), a(9), soaLine(9))}, "do not fit"},
		{"taking out the NS", []reply{msg(soaLine(9), soaLine(7), ns, soaLine(9), a(9), soaLine(9))}, "no NS"},
		{"cut off", []reply{msg(soaLine(9), soaLine(7), a(7), soaLine(9), a(9))}, "the connection ended"},
		{"going on at the end", []reply{msg(soaLine(9), soaLine(7), a(7), soaLine(9), a(9), soaLine(9), a(9))}, "something follows"},
		{"ending in another SOA", []reply{msg(soaLine(9), soaLine(7), a(7), soaLine(9), a(9), strings.ReplaceAll(soaLine(9), "host", "post"))}, "ends with another SOA"},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				incremental := false
				copied, w, p := newCopy(t, zone(7), func(o *Options) { o.Observe = func(e Event) { incremental = e.Incremental } })
				if err := copied.consult(t.Context(), copied.options.Primaries[0]); err != nil {
					t.Fatal(err)
				}
				w.asked(p)
				seven := copied.held.Load()
				w.change(func() {
					p.zone = zone(9)
					p.script = func(q *dns.Msg) []reply {
						if q.Question[0].Qtype == dns.TypeIXFR {
							return c.replies
						}
						return nil
					}
				})
				if err := copied.consult(t.Context(), copied.options.Primaries[0]); err != nil {
					t.Fatal(err)
				}
				if want := c.wrong == "" && c.what != "as a whole"; incremental != want {
					t.Errorf("incremental: %v", incremental)
				}
				z, _ := copied.Zone()
				if got := text(z); got != nine {
					t.Errorf("got\n%s\nwant\n%s", got, nine)
				}
				want := "SOA, IXFR 7"
				if c.wrong != "" {
					want += ", AXFR"
				}
				if got := w.asked(p); got != want {
					t.Errorf("asked %s, want %s", got, want)
				}
				// The changes alone, to see what was wrong with them.
				err := copied.transfer(t.Context(), copied.options.Primaries[0], seven)
				if c.wrong == "" && err != nil || c.wrong != "" && (err == nil || !strings.Contains(err.Error(), c.wrong)) {
					t.Errorf("got %v, want %s", err, c.wrong)
				}
			})
		})
	}
}

// octets is a connection on which these octets come.
type octets struct {
	net.Conn
	io.Reader
}

func (o octets) Read(b []byte) (int, error) { return o.Reader.Read(b) }
func (octets) SetDeadline(time.Time) error  { return nil }
func (octets) Write(b []byte) (int, error)  { return len(b), nil }
func (octets) Close() error                 { return nil }

// Whatever a primary sends: no panic, no more memory than is allowed, and what is
// accepted begins and ends with the SOA of the zone.
func FuzzTransfer(f *testing.F) {
	stream := func(replies ...reply) (b []byte) {
		q := new(dns.Msg).SetAxfr("example.")
		q.Id = 0
		for _, r := range replies {
			m := r.pack(f, q)
			b = append(binary.BigEndian.AppendUint16(b, uint16(len(m))), m...)
		}
		return b
	}
	f.Add(stream(msg(apex, ns, addr, apex)), false)
	f.Add(stream(msg(apex), msg(ns, addr), msg(apex)), false)
	ixfr := msg(soaLine(9), soaLine(7), addr, soaLine(8), addr, soaLine(8), addr, soaLine(9), addr, soaLine(9))
	ixfr.change = func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeIXFR }
	f.Add(stream(ixfr), true)
	f.Add([]byte{0, 3, 1, 2, 3}, false)
	have, _, _ := newCopy(f, zone(7))
	if err := have.consult(f.Context(), have.options.Primaries[0]); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte, incremental bool) {
		c, _, _ := newCopy(t, "", func(o *Options) {
			o.MaxOctets = 100_000
		})
		c.options.Dial = func(context.Context, netip.AddrPort) (net.Conn, error) {
			return octets{Reader: bytes.NewReader(b)}, nil
		}
		var from *held
		if incremental {
			from = have.held.Load()
		}
		if c.transfer(t.Context(), c.options.Primaries[0], from) != nil {
			if _, ok := c.Zone(); ok {
				t.Fatal("a failed transfer has changed something")
			}
			return
		}
		z, _ := c.Zone()
		for s := range z.All() {
			if !s.Name.IsSubdomainOf(lookup.MustName("example.")) {
				t.Fatalf("%v", s)
			}
		}
	})
}
