package server

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/message"
	"github.com/sextant-dns/sextant/tsig"
)

// registry is Zones with one zone, of so many addresses, for whoever signs or comes
// from 192.0.2.0/24.
type registry struct {
	addresses int
	servers   string // MNAME and RNAME; "" is short ones
}

func testKey() tsig.Key {
	return tsig.Key{Name: lookup.MustName("key."), Algorithm: tsig.HMACSHA256, Secret: []byte("a secret")}
}

func (r *registry) Key(name lookup.Name) (tsig.Key, bool) { return testKey(), name == testKey().Name }

func (r *registry) Transfer(from netip.Addr, key, zone lookup.Name, have *uint32) (iter.Seq[message.Record], *lookup.Response) {
	if key == "" && !netip.MustParsePrefix("192.0.2.0/24").Contains(from) {
		return nil, &lookup.Response{Rcode: lookup.REFUSED, EDE: []lookup.EDE{{Code: lookup.EDEProhibited}}}
	}
	set := lookup.MustRRsets("example. 60 IN SOA " + cmp.Or(r.servers, "ns.example. host.example.") + " 7 2 3 4 5")[0]
	soa := message.Record{Name: set.Name, Type: set.Type, Class: lookup.ClassIN, TTL: set.TTL, Data: set.Data.First()}
	return func(yield func(message.Record) bool) {
		if !yield(soa) || have != nil && *have == 7 {
			return
		}
		for i := range r.addresses {
			name := lookup.MustName(fmt.Sprintf("n%d.example.", i))
			if !yield(message.Record{Name: name, Type: lookup.TypeA, Class: lookup.ClassIN, TTL: 60, Data: "\xc0\x00\x02\x01"}) {
				return
			}
		}
		yield(soa)
	}, nil
}

func (r *registry) Notify(from netip.Addr, key, zone lookup.Name) lookup.Rcode {
	if zone != lookup.MustName("example.") {
		return lookup.NOTAUTH
	}
	return lookup.NOERROR
}

func (r *registry) Update(from netip.Addr, key lookup.Name, m *message.Records) *lookup.Response {
	if key == "" {
		return &lookup.Response{Rcode: lookup.REFUSED, EDE: []lookup.EDE{{Code: lookup.EDEProhibited}}}
	}
	if len(m.Authority) != 1 {
		return &lookup.Response{Rcode: lookup.NOTZONE}
	}
	return &lookup.Response{}
}

// update is an UPDATE that removes a name.
func update(change ...func(*dns.Msg)) *dns.Msg {
	m := new(dns.Msg).SetUpdate("example.")
	m.Id = 4711
	m.RemoveName([]dns.RR{&dns.A{Hdr: dns.RR_Header{Name: "www.example."}}})
	for _, f := range change {
		f(m)
	}
	return m
}

// notify is a NOTIFY for the zone.
func notify(zone string, change ...func(*dns.Msg)) *dns.Msg {
	m := new(dns.Msg).SetNotify(zone)
	m.Id = 4711
	for _, f := range change {
		f(m)
	}
	return m
}

// ixfr asks for what has changed since that serial.
func ixfr(serial uint32) *dns.Msg {
	m := new(dns.Msg).SetIxfr("example.", serial, "ns.example.", "host.example.")
	m.Id = 4711
	return m
}

const elsewhere = "198.51.100.1:40000"

// What needs no more than one message.
func TestMessagesAmongServers(t *testing.T) {
	t.Parallel()
	axfr := ask("example. AXFR", func(m *dns.Msg) { m.RecursionDesired = false })
	for _, c := range []struct {
		what  string
		msg   *dns.Msg
		proto Proto
		from  string
		want  string
	}{
		{"NOTIFY", notify("example."), UDP, elsewhere, "NOERROR 1/0/0/0"},
		{"NOTIFY with EDNS", notify("example.", edns(1232, false)), TCP, elsewhere, "NOERROR 1/0/0/0 edns0:1232"},
		{"NOTIFY of no zone of ours", notify("nosuch."), UDP, elsewhere, "NOTAUTH"},
		{"NOTIFY of another type", notify("example.", func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeA }), UDP, elsewhere, "NOTIMP"},
		{"NOTIFY of another class", notify("example.", func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS }), UDP, elsewhere, "NOTIMP"},
		{"NOTIFY of EDNS 1", notify("example.", edns(1232, false), func(m *dns.Msg) { m.IsEdns0().SetVersion(1) }), UDP, elsewhere, "BADVERS"},
		{"UPDATE", update(), UDP, somebody, "REFUSED 1/0/0/0"},
		{"UPDATE with EDNS", update(edns(1232, false)), TCP, elsewhere, "REFUSED 1/0/0/0 edns0:1232 ede18"},
		{"UPDATE of EDNS 1", update(edns(1232, false), func(m *dns.Msg) { m.IsEdns0().SetVersion(1) }), UDP, elsewhere, "BADVERS"},
		{"UPDATE of two zones", update(func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) }), UDP, elsewhere, "FORMERR"},
		{"UPDATE of no zone", update(func(m *dns.Msg) { m.Question = nil }), UDP, elsewhere, "FORMERR"},
		{"AXFR over UDP", axfr, UDP, somebody, "FORMERR"},
		{"AXFR of a stranger", axfr, TCP, elsewhere, "REFUSED"},
		{"IXFR over UDP", ixfr(3), UDP, somebody, "NOERROR aa 1/1/0/0"},
		{"IXFR over UDP of who has it", ixfr(7), UDP, somebody, "NOERROR aa 1/1/0/0"},
		{"IXFR of a stranger", ixfr(3), UDP, elsewhere, "REFUSED"},
		{"IXFR without an SOA", ask("example. IXFR"), UDP, somebody, "FORMERR"},
	} {
		s := New(Options{Views: []View{{Name: "inside", Clients: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, Recursive: new(world)}}, Zones: &registry{addresses: 3}})
		got := brief(tell(t, s, packed(t, c.msg), c.proto, c.from))
		if !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: got %s, want %s", c.what, got, c.want)
		}
	}
}

// A client may ask over UDP for changes of a zone whose SOA the message has no room for.
func TestSOAThatUDPHasNoRoomFor(t *testing.T) {
	t.Parallel()
	label := func(c string) string { return strings.Repeat(c, 60) + "." }
	large := strings.Repeat(label("m"), 4) + " " + strings.Repeat(label("r"), 4)
	s := New(Options{Views: everyone(new(world)), Zones: &registry{servers: large}})
	more := ixfr(3)
	more.SetEdns0(1232, false)
	for _, c := range []struct {
		msg  *dns.Msg
		want string
	}{
		{ixfr(3), "NOERROR aa tc ra 1/0/0/0"}, // RFC 1995 2: come again over TCP
		{more, "NOERROR aa 1/1/0/0 edns0:1232"},
	} {
		msg := packed(t, c.msg)
		if got := brief(tell(t, s, msg, UDP, somebody)); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

// Without Zones there are no such messages.
func TestServerWithoutZones(t *testing.T) {
	t.Parallel()
	s := New(Options{Views: everyone(new(world))})
	if got := brief(talk(t, s, notify("example."))); !strings.HasPrefix(got, "NOTIMP") {
		t.Errorf("NOTIFY: %s", got)
	}
	if got := brief(talk(t, s, update())); !strings.HasPrefix(got, "NOTIMP") {
		t.Errorf("UPDATE: %s", got)
	}
	if got := brief(talk(t, s, ixfr(1))); !strings.HasPrefix(got, "REFUSED") {
		t.Errorf("IXFR: %s", got)
	}
}

// hearRaw reads one message of a connection.
func (l *line) hearRaw() ([]byte, error) {
	var length [2]byte
	if _, err := io.ReadFull(l, length[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint16(length[:]))
	_, err := io.ReadFull(l, b)
	return b, err
}

// A zone goes out in large messages, each signed if the query was, while other queries
// on the connection are answered, too.
func TestTransferIsStreamed(t *testing.T) {
	t.Parallel()
	for _, signed := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			const addresses = 20_000
			s := New(Options{Views: everyone(new(world)), Zones: &registry{addresses: addresses}})
			l := connect(t, t.Context(), s, somebody)
			asked := packed(t, ask("Example. AXFR", edns(1232, true)))
			var session *tsig.Session
			if signed {
				asked, session = tsig.Ask(asked, testKey(), time.Now())
			}
			l.say(append(binary.BigEndian.AppendUint16(nil, uint16(len(asked))), asked...))
			l.say(framed(t, ask("zero.example. A", func(m *dns.Msg) { m.Id = 12 })))
			records, messages, others := 0, 0, 0
			for soas := 0; soas < 2 || others == 0; {
				b, err := l.hearRaw()
				if err != nil {
					t.Fatal(err)
				}
				if b[0] == 0 && b[1] == 12 {
					others++
					continue
				}
				if signed {
					if err := session.Check(b, time.Now()); err != nil {
						t.Fatalf("message %d: %v", messages, err)
					}
				}
				m := read(t, b)
				if !m.Authoritative || m.Rcode != 0 || m.Id != 4711 || m.Question[0].Name != "Example." {
					t.Errorf("message %d: %s", messages, brief(m))
				}
				if (m.IsEdns0() != nil) != (messages == 0) { // RFC 5936 2.2.5
					t.Errorf("message %d: EDNS %v", messages, m.IsEdns0())
				}
				records, messages = records+len(m.Answer), messages+1
				for _, rr := range m.Answer {
					if rr.Header().Rrtype == dns.TypeSOA {
						soas++
					}
				}
			}
			if records != addresses+2 || messages < 4 || messages > 10 {
				t.Errorf("%d records in %d messages", records, messages)
			}
			l.Close()
			<-l.ended
		})
	}
}

// A secondary that takes nothing is hung up on, and a server that ends does not wait
// for it.
func TestTransferToWhoTakesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Views: everyone(new(world)), Zones: &registry{addresses: 20_000}})
		l := connect(t, t.Context(), s, somebody)
		l.say(framed(t, ask("example. AXFR")))
		start := time.Now()
		<-l.ended
		if took := time.Since(start); took > time.Minute {
			t.Errorf("it took %v", took)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := New(Options{Views: everyone(new(world)), Zones: &registry{addresses: 20_000}})
		l := connect(t, ctx, s, somebody)
		l.say(framed(t, ask("example. AXFR")))
		if _, err := l.hearRaw(); err != nil {
			t.Fatal(err)
		}
		cancel()
		for {
			if _, err := l.hearRaw(); err != nil {
				break // and not the whole zone, as if that were all
			}
		}
		<-l.ended
	})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := New(Options{Views: everyone(new(world)), Zones: &registry{addresses: 20_000}})
		l := connect(t, ctx, s, somebody)
		l.say(framed(t, ask("example. AXFR")))
		synctest.Wait()
		start := time.Now()
		cancel()
		<-l.ended
		if took := time.Since(start); took > 0 {
			t.Errorf("the server ended after %v", took)
		}
	})
}

// Any question may be signed; the answer is, then. What is wrong with a signature is
// told (RFC 8945 5.2), whatever was asked.
func TestSignedQuestions(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	s := New(Options{Views: everyone(new(world)), Zones: &registry{}, Now: func() time.Time { return now }})
	good := testKey()
	bad, stranger := good, good
	bad.Secret, stranger.Name = []byte("x"), lookup.MustName("stranger.")
	for _, c := range []struct {
		what  string
		key   tsig.Key
		at    time.Time
		size  uint16
		want  string
		fault string
	}{
		{"right", good, now, 1232, "NOERROR ra", ""},
		{"right and small", good, now, 512, "NOERROR tc", ""},
		{"another secret", bad, now, 1232, "NOTAUTH", "BADSIG"},
		{"another name", stranger, now, 1232, "NOTAUTH", "BADKEY"},
		{"too late", good, now.Add(-time.Hour), 1232, "NOTAUTH", "BADTIME"},
	} {
		question := "www.example. A"
		if c.size == 512 {
			question = "large.example. TXT"
		}
		msg := packed(t, ask(question, edns(c.size, false), func(m *dns.Msg) { m.RecursionDesired = true }))
		asked, session := tsig.Ask(msg, c.key, c.at)
		for _, proto := range []Proto{UDP, TCP} {
			if proto == TCP && c.size == 512 {
				continue
			}
			reply := s.Respond(nil, slices.Clone(asked), addrPort(somebody), proto)
			if proto == UDP && len(reply) > int(c.size) {
				t.Errorf("%s: %d octets", c.what, len(reply))
			}
			own := *session
			err := own.Check(reply, c.at)
			if c.fault == "" && err != nil || c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)) {
				t.Errorf("%s: got %v, want %s", c.what, err, c.fault)
			}
			got := brief(read(t, reply))
			for _, w := range strings.Fields(c.want) {
				if !slices.Contains(strings.Fields(got), w) {
					t.Errorf("%s: got %s, want %s", c.what, got, c.want)
				}
			}
		}
	}
	// An UPDATE that is signed is heard, and so is the reply.
	for _, c := range []struct {
		key  tsig.Key
		want string
	}{{good, "NOERROR"}, {bad, "NOTAUTH"}} {
		asked, session := tsig.Ask(packed(t, update()), c.key, now)
		reply := s.Respond(nil, asked, addrPort(elsewhere), UDP)
		err := session.Check(reply, now)
		if got := read(t, reply); dns.RcodeToString[got.Rcode] != c.want || got.Opcode != dns.OpcodeUpdate || (err == nil) != (c.want == "NOERROR") {
			t.Errorf("UPDATE: got %s, %v", brief(got), err)
		}
	}
	// The other library believes our signature, too.
	asked, _ := tsig.Ask(packed(t, ask("www.example. A")), good, now)
	reply := s.Respond(nil, asked, addrPort(somebody), UDP)
	m := read(t, asked)
	mac := m.IsTsig().MAC
	if err := dns.TsigVerify(reply, base64.StdEncoding.EncodeToString(good.Secret), mac, false); err != nil && err != dns.ErrTime {
		t.Error(err)
	}
	// Who is in no view is refused, signed or not, and hears so signed.
	closed := New(Options{Views: []View{{Clients: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Recursive: new(world)}}, Zones: &registry{}, Now: func() time.Time { return now }})
	asked, session := tsig.Ask(packed(t, ask("www.example. A")), good, now)
	reply = closed.Respond(nil, asked, addrPort(somebody), UDP)
	if err := session.Check(reply, now); err != nil || !strings.HasPrefix(brief(read(t, reply)), "REFUSED") {
		t.Errorf("got %s, %v", brief(read(t, reply)), err)
	}
}

// careless makes a mistake.
type careless struct{ registry }

func (*careless) Notify(netip.Addr, lookup.Name, lookup.Name) lookup.Rcode { panic("what is this?") }

// A mistake of ours about one message is not the end of the service for all others.
func TestPanicAmongServers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Views: everyone(new(world)), Zones: new(careless)})
		l := connect(t, t.Context(), s, somebody)
		l.say(framed(t, notify("example."), ask("www.example. A")))
		if got := brief(l.hear()); got != "NOERROR rd ra 1/2/0/0" {
			t.Errorf("got %s", got)
		}
		l.Close()
		<-l.ended
		if got := s.Stats().Panics; got != 1 {
			t.Errorf("%d panics", got)
		}
	})
	s := New(Options{Views: everyone(new(world)), Zones: new(careless)})
	u, conn := deaf(t, s)
	u.missed(t, conn, notify("example."))
	s.answered.Wait()
	if got := u.tally.panics.Load(); got != 1 {
		t.Errorf("%d panics over UDP", got)
	}
}
