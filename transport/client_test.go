package transport_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/transport"
)

// What comes before the good reply over UDP, and which reply counts then.
func TestRepliesOverUDPAreJudged(t *testing.T) {
	t.Parallel()
	good := func(q []byte) []byte { return answer(q, overUDP) }
	for title, c := range map[string]struct {
		first func(query []byte) []byte
		want  string
	}{
		"a good reply":                          {good, overUDP},
		"an empty packet is ignored":            {func([]byte) []byte { return nil }, overUDP},
		"a packet of one octet is ignored":      {func([]byte) []byte { return []byte{0} }, overUDP},
		"garbage is ignored":                    {func([]byte) []byte { return []byte(strings.Repeat("garbage ", 20)) }, overUDP},
		"the query itself is ignored":           {slices.Clone[[]byte], overUDP},
		"another opcode is ignored":             {func(q []byte) []byte { return patch(good(q), 2, 0xa8) }, overUDP},
		"another question is ignored":           {func(q []byte) []byte { return patch(good(q), 13, '?') }, overUDP},
		"another type is ignored":               {func(q []byte) []byte { return patch(good(q), len(q)-11-4, 0, 28) }, overUDP},
		"another class is ignored":              {func(q []byte) []byte { return patch(good(q), len(q)-11-2, 0, 3) }, overUDP},
		"two questions are ignored":             {func(q []byte) []byte { return patch(good(q), 4, 0, 2) }, overUDP},
		"no question is ignored":                {func(q []byte) []byte { return patch(good(q), 4, 0, 0) }, overUDP},
		"counts that lie are ignored":           {func(q []byte) []byte { return patch(good(q), 6, 0xff) }, overUDP},
		"a reply cut short is ignored":          {func(q []byte) []byte { return good(q)[:len(q)] }, overUDP},
		"a wrong ID leads to TCP":               {func(q []byte) []byte { return patch(good(q), 0, q[0]^1) }, overTCP},
		"a wrong ID and question is ignored":    {func(q []byte) []byte { return patch(patch(good(q), 0, q[0]^1), 13, '?') }, overUDP},
		"another letter case leads to TCP":      {func(q []byte) []byte { return patch(good(q), 13, q[13]^0x20) }, overTCP},
		"a truncated reply leads to TCP":        {func(q []byte) []byte { return answer(q, overUDP, truncate) }, overTCP},
		"a truncated bare header leads to TCP":  {func(q []byte) []byte { return []byte{q[0], q[1], 0x82, 0, 0, 0, 0, 0, 0, 0, 0, 0} }, overTCP},
		"a truncated RR leads to TCP":           {func(q []byte) []byte { return answer(q, overUDP, truncate)[:len(q)+5] }, overTCP},
		"an error without question leads there": {func(q []byte) []byte { return []byte{q[0], q[1], 0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0} }, overTCP},
		"the same of a wrong ID is ignored":     {func(q []byte) []byte { return []byte{q[0] ^ 1, q[1], 0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0} }, overUDP},
		"success without question is ignored":   {func(q []byte) []byte { return []byte{q[0], q[1], 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0} }, overUDP},
		"a reply above our size leads to TCP":   {func(q []byte) []byte { return answer(q, overUDP, pad(1200)) }, overTCP},
		"a reply of just our size is good":      {func(q []byte) []byte { return answer(q, overUDP, fill(1232)) }, overUDP},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			s := serve(t, "127.0.0.1", func(q []byte) [][]byte { return [][]byte{c.first(q), good(q)} }, nil)
			reply, err := ask(t, s)
			if err != nil {
				t.Fatal(err)
			}
			if got := address(t, reply); got != c.want || reply.TCP != (c.want == overTCP) {
				t.Errorf("got %s, TCP %v, want %s", got, reply.TCP, c.want)
			}
			sent := 1
			if reply.TCP {
				sent = 2
			}
			if reply.Sent != sent {
				t.Errorf("Sent %d, want %d", reply.Sent, sent)
			}
			if suspect := strings.HasPrefix(title, "a wrong ID leads") || strings.HasPrefix(title, "another letter"); reply.Suspect != suspect {
				t.Errorf("Suspect %v, want %v", reply.Suspect, suspect)
			}
		})
	}
}

func truncate(m *dns.Msg) { m.Truncated = true }

// pad makes a message that many octets larger, roughly.
func pad(octets int) func(*dns.Msg) {
	return func(m *dns.Msg) {
		m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_PADDING{Padding: make([]byte, octets)}}
	}
}

// fill makes a message that many octets large.
func fill(octets int) func(*dns.Msg) {
	return func(m *dns.Msg) {
		pad(0)(m)
		pad(octets - m.Len())(m)
	}
}

// Spoofed packets come from elsewhere: the kernel must not even show them.
func TestAPacketFromAnotherAddressIsNotHeard(t *testing.T) {
	t.Parallel()
	other, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	s := serveConn(t, "127.0.0.1", func(q []byte, from netip.AddrPort) [][]byte {
		_, _ = other.WriteToUDPAddrPort(answer(q, "192.0.2.66"), from)
		return [][]byte{answer(q, overUDP)}
	}, waitForEnd)
	reply, err := ask(t, s)
	if err != nil {
		t.Fatal(err)
	}
	if got := address(t, reply); got != overUDP {
		t.Errorf("believed %s", got)
	}
}

func TestThePortIsClosedWhenTheExchangeIsOver(t *testing.T) {
	t.Parallel()
	s := serve(t, "127.0.0.1", func(q []byte) [][]byte { return [][]byte{answer(q, overUDP)} }, nil)
	if _, err := ask(t, s); err != nil {
		t.Fatal(err)
	}
	from := s.from.Load().(netip.AddrPort)
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(from))
	if err != nil {
		t.Fatalf("port %d is still open: %v", from.Port(), err)
	}
	_ = conn.Close()
}

func TestQueriesDifferInPortIDAndLetterCase(t *testing.T) {
	t.Parallel()
	type guess struct {
		port uint16
		id   [2]byte
		name string
	}
	seen := make(chan guess, 10)
	s := serveConn(t, "127.0.0.1", func(q []byte, from netip.AddrPort) [][]byte {
		seen <- guess{from.Port(), [2]byte(q), string(q[12 : 12+len(question.Name)])}
		return [][]byte{answer(q, overUDP)}
	}, waitForEnd)
	ports, ids, names := map[uint16]bool{}, map[[2]byte]bool{}, map[string]bool{}
	for range cap(seen) {
		if _, err := ask(t, s); err != nil {
			t.Fatal(err)
		}
		g := <-seen
		ports[g.port], ids[g.id], names[g.name] = true, true, true
		if g.port < 1024 || !strings.EqualFold(g.name, string(question.Name)) {
			t.Errorf("port %d, name %q", g.port, g.name)
		}
	}
	// One pair of equal ones in ten is rarer than one run in a thousand; two are not to be feared.
	if len(ports) < 8 || len(ids) < 8 || len(names) < 8 {
		t.Errorf("of %d: %d ports, %d IDs, %d spellings", cap(seen), len(ports), len(ids), len(names))
	}
}

func TestQueriesSayWhatTheRequestSays(t *testing.T) {
	t.Parallel()
	for title, c := range map[string]struct {
		change func(*transport.Request)
		check  func(*dns.Msg) bool
	}{
		"nothing special": {func(*transport.Request) {}, func(m *dns.Msg) bool {
			o := m.IsEdns0()
			return !m.RecursionDesired && !m.CheckingDisabled && o != nil && o.UDPSize() == 1232 && !o.Do() && len(o.Option) == 0
		}},
		"recursion":        {func(r *transport.Request) { r.RD = true }, func(m *dns.Msg) bool { return m.RecursionDesired }},
		"DNSSEC":           {func(r *transport.Request) { r.Question.DO = true }, func(m *dns.Msg) bool { return m.IsEdns0().Do() }},
		"no validation":    {func(r *transport.Request) { r.Question.CD = true }, func(m *dns.Msg) bool { return m.CheckingDisabled }},
		"another type":     {func(r *transport.Request) { r.Question.Type = lookup.TypeAAAA }, func(m *dns.Msg) bool { return m.Question[0].Qtype == dns.TypeAAAA }},
		"no EDNS":          {func(r *transport.Request) { r.NoEDNS, r.Question.DO = true, true }, func(m *dns.Msg) bool { return m.IsEdns0() == nil }},
		"TCP at once":      {func(r *transport.Request) { r.TCP = true }, func(m *dns.Msg) bool { return true }},
		"a client subnet":  {subnet("192.0.2.77/24"), sends("192.0.2.0/24/0")},
		"an IPv6 subnet":   {subnet("2001:db8:1:2::1/56"), sends("[2001:db8:1::]/56/0")},
		"a subnet of none": {subnet("0.0.0.0/0"), sends("0.0.0.0/0/0")},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			seen := make(chan []byte, 1)
			note := func(q []byte) [][]byte {
				seen <- slices.Clone(q)
				return [][]byte{answer(q, overUDP)}
			}
			s := serve(t, "127.0.0.1", note, note)
			reply, err := ask(t, s, c.change)
			if err != nil {
				t.Fatal(err)
			}
			m := new(dns.Msg)
			if err := m.Unpack(<-seen); err != nil {
				t.Fatal(err)
			}
			if !c.check(m) {
				t.Errorf("sent %v", m)
			}
			if reply.Sent != 1 || reply.TCP != (title == "TCP at once") {
				t.Errorf("Sent %d, TCP %v", reply.Sent, reply.TCP)
			}
		})
	}
}

func subnet(s string) func(*transport.Request) {
	return func(r *transport.Request) { r.Subnet = netip.MustParsePrefix(s) }
}

func sends(want string) func(*dns.Msg) bool {
	return func(m *dns.Msg) bool {
		o := m.IsEdns0().Option
		return len(o) == 1 && o[0].String() == want
	}
}

// echo puts an EDNS Client Subnet option into a reply.
func echo(family uint16, address string, source, scope uint8) func(*dns.Msg) {
	return func(m *dns.Msg) {
		m.IsEdns0().Option = append(m.IsEdns0().Option, &dns.EDNS0_SUBNET{
			Code: dns.EDNS0SUBNET, Family: family, SourceNetmask: source, SourceScope: scope, Address: net.ParseIP(address)})
	}
}

func TestTheEchoedSubnetMustBeTheOneThatWasSent(t *testing.T) {
	t.Parallel()
	good := echo(1, "192.0.2.0", 24, 20)
	for title, c := range map[string]struct {
		first func(*dns.Msg)
		scope string
	}{
		"the same":           {good, "192.0.2.0/20"},
		"scope 0":            {echo(1, "192.0.2.0", 24, 0), "192.0.2.0/0"},
		"scope above source": {echo(1, "192.0.2.0", 24, 32), "192.0.2.0/32"},
		"none at all":        {func(*dns.Msg) {}, "invalid Prefix"},
		// These are dropped, and the good one that follows counts.
		"another address":    {echo(1, "198.51.100.0", 24, 24), "192.0.2.0/20"},
		"another source":     {echo(1, "192.0.2.0", 25, 24), "192.0.2.0/20"},
		"another family":     {echo(2, "c000:200::", 24, 24), "192.0.2.0/20"},
		"the same twice":     {func(m *dns.Msg) { good(m); good(m) }, "192.0.2.0/20"},
		"an impossible one":  {malformedSubnet, "192.0.2.0/20"},
		"two that disagree":  {func(m *dns.Msg) { good(m); echo(1, "10.0.0.0", 24, 8)(m) }, "192.0.2.0/20"},
		"the whole Internet": {echo(1, "0.0.0.0", 0, 0), "192.0.2.0/20"},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			s := serve(t, "127.0.0.1", func(q []byte) [][]byte { return [][]byte{answer(q, "192.0.2.66", c.first), answer(q, overUDP, good)} }, nil)
			reply, err := ask(t, s, subnet("192.0.2.0/24"))
			if err != nil {
				t.Fatal(err)
			}
			if reply.Scope.String() != c.scope || reply.Subnet != reply.Scope.IsValid() || reply.TCP {
				t.Errorf("scope %v, Subnet %v, TCP %v, want %s", reply.Scope, reply.Subnet, reply.TCP, c.scope)
			}
		})
	}
}

// malformedSubnet has a SOURCE that needs more octets than there are.
func malformedSubnet(m *dns.Msg) {
	m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_LOCAL{Code: dns.EDNS0SUBNET, Data: []byte{0, 1, 24, 24, 192}}}
}

func TestASubnetThatNobodyAskedForIsIgnored(t *testing.T) {
	t.Parallel()
	s := serve(t, "127.0.0.1", func(q []byte) [][]byte { return [][]byte{answer(q, overUDP, echo(1, "192.0.2.0", 24, 24))} }, nil)
	reply, err := ask(t, s)
	if err != nil {
		t.Fatal(err)
	}
	if reply.Subnet || reply.Scope.IsValid() || address(t, reply) != overUDP {
		t.Errorf("got %+v", reply)
	}
}

func TestAReplyOverTCPForAnotherSubnetIsAnError(t *testing.T) {
	t.Parallel()
	s := serve(t, "127.0.0.1", nil, func(q []byte) [][]byte { return [][]byte{answer(q, overTCP, echo(1, "10.0.0.0", 24, 24))} })
	_, err := ask(t, s, subnet("192.0.2.0/24"), func(r *transport.Request) { r.TCP = true })
	if err == nil || !strings.Contains(err.Error(), "another client subnet") {
		t.Errorf("got %v", err)
	}
}

func TestRepliesBringWhatTheServerSaid(t *testing.T) {
	t.Parallel()
	s := serve(t, "127.0.0.1", func(q []byte) [][]byte {
		return [][]byte{answer(q, overUDP, func(m *dns.Msg) {
			m.Rcode, m.RecursionAvailable, m.AuthenticatedData = dns.RcodeBadCookie, true, true
			m.IsEdns0().Option = []dns.EDNS0{
				&dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeStaleAnswer, ExtraText: "old"},
				&dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeProhibited}}
			m.Ns = []dns.RR{&dns.NS{Hdr: dns.RR_Header{Name: "example.", Rrtype: dns.TypeNS, Class: dns.ClassINET, Ttl: 5}, Ns: "ns.example."}}
			m.Extra = append(m.Extra, &dns.A{Hdr: dns.RR_Header{Name: "ns.example.", Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 5}, A: net.IPv4(192, 0, 2, 1)})
		})}
	}, nil)
	var ticks time.Duration
	clock := func() time.Time { ticks += time.Second; return time.Unix(0, 0).Add(ticks) }
	reply, err := transport.New(transport.Options{Now: clock}).Exchange(context.Background(),
		transport.Request{Server: s.addr, Question: question, Timeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if reply.Rcode != lookup.BADCOOKIE || !reply.AA || !reply.RA || !reply.AD || reply.TC || !reply.EDNS {
		t.Errorf("flags of %+v", reply)
	}
	if want := []lookup.EDE{{Code: 3, Text: "old"}, {Code: 18}}; !slices.Equal(reply.EDE, want) {
		t.Errorf("EDE %v", reply.EDE)
	}
	if len(reply.Answer) != 1 || len(reply.Authority) != 1 || len(reply.Additional) != 1 {
		t.Errorf("sections %v, %v, %v", reply.Answer, reply.Authority, reply.Additional)
	}
	if reply.RTT != time.Second || reply.Size == 0 {
		t.Errorf("RTT %v, Size %d", reply.RTT, reply.Size)
	}
}

func TestAReplyWithoutEDNSIsFine(t *testing.T) {
	t.Parallel()
	s := serve(t, "127.0.0.1", func(q []byte) [][]byte { return [][]byte{answer(q, overUDP, func(m *dns.Msg) { m.Extra = nil })} }, nil)
	reply, err := ask(t, s)
	if err != nil || reply.EDNS || address(t, reply) != overUDP {
		t.Errorf("got %+v, %v", reply, err)
	}
}

func TestSilenceIsATimeout(t *testing.T) {
	t.Parallel()
	for title, s := range map[string]*server{
		"over UDP":            serve(t, "127.0.0.1", nil, nil),
		"over TCP":            serveConn(t, "127.0.0.1", answerTC, waitForEnd),
		"garbage and nothing": serve(t, "127.0.0.1", func([]byte) [][]byte { return [][]byte{[]byte("garbage")} }, nil),
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			_, err := ask(t, s, func(r *transport.Request) { r.Timeout = 50 * time.Millisecond })
			if !errors.Is(err, transport.ErrTimeout) || !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("got %v", err)
			}
			e, ok := errors.AsType[*transport.Error](err)
			if tcp := title == "over TCP"; !ok || e.TCP != tcp || e.Server != s.addr || (e.Sent == 2) != tcp {
				t.Errorf("got %+v", e)
			}
		})
	}
}

// answerTC sends to TCP.
func answerTC(q []byte, _ netip.AddrPort) [][]byte { return [][]byte{answer(q, overUDP, truncate)} }

// waitForEnd says nothing until the client hangs up.
func waitForEnd(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

func TestARefusedPortEndsTheAttemptAtOnce(t *testing.T) {
	t.Parallel()
	gone, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	server := gone.LocalAddr().(*net.UDPAddr).AddrPort()
	_ = gone.Close()
	for _, tcp := range []bool{false, true} {
		_, err := transport.New(transport.Options{Timeout: time.Hour}).Exchange(context.Background(),
			transport.Request{Server: server, Question: question, TCP: tcp})
		if !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("TCP %v: got %v", tcp, err)
		}
		if e, ok := errors.AsType[*transport.Error](err); !ok || e.TCP != tcp || e.Sent != 1 {
			t.Errorf("TCP %v: got %+v", tcp, e)
		}
	}
}

func TestWhatServersDoOverTCP(t *testing.T) {
	t.Parallel()
	good := func(q []byte) []byte { return answer(q, overTCP) }
	for title, c := range map[string]struct {
		send func(query []byte) []byte // octets, with the length in front
		want string                    // of the error, or empty
	}{
		"a good reply":             {func(q []byte) []byte { return frame(good(q)) }, ""},
		"another letter case":      {func(q []byte) []byte { return frame(patch(good(q), 13, q[13]^0x20)) }, ""},
		"still truncated":          {func(q []byte) []byte { return frame(answer(q, overTCP, truncate)) }, ""},
		"nothing":                  {func([]byte) []byte { return nil }, "unexpected EOF"},
		"half a length":            {func([]byte) []byte { return []byte{0} }, "unexpected EOF"},
		"a length of 0":            {func([]byte) []byte { return []byte{0, 0} }, "does not belong"},
		"half a reply":             {func(q []byte) []byte { return frame(good(q))[:40] }, "unexpected EOF"},
		"a reply cut in its frame": {func(q []byte) []byte { return frame(good(q)[:len(q)]) }, "malformed"},
		"a wrong ID":               {func(q []byte) []byte { return frame(patch(good(q), 0, q[0]^1)) }, "does not belong"},
		"another question":         {func(q []byte) []byte { return frame(patch(good(q), 13, '?')) }, "does not belong"},
		"the query itself":         {frame, "does not belong"},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			s := serveConn(t, "127.0.0.1", answerTC, func(conn net.Conn) {
				if q, err := readFrame(conn); err == nil {
					_, _ = conn.Write(c.send(q))
					_ = conn.(*net.TCPConn).CloseWrite()
				}
				waitForEnd(conn)
			})
			reply, err := ask(t, s)
			switch {
			case c.want != "":
				if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "over TCP") {
					t.Errorf("got %+v, %v, want an error with %q", reply, err, c.want)
				}
			case err != nil:
				t.Error(err)
			default:
				if address(t, reply) != overTCP || !reply.TCP || reply.Sent != 2 || reply.TC != (title == "still truncated") {
					t.Errorf("got %+v", reply)
				}
			}
		})
	}
}

// Over TCP nobody can have forged it: what the server does not understand is told.
func TestAnErrorWithoutQuestionIsBelievedOverTCP(t *testing.T) {
	t.Parallel()
	formerr := func(q []byte) [][]byte { return [][]byte{{q[0], q[1], 0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0}} }
	s := serve(t, "127.0.0.1", formerr, formerr)
	reply, err := ask(t, s)
	if err != nil || reply.Rcode != lookup.FORMERR || reply.EDNS || !reply.TCP || reply.Suspect {
		t.Errorf("got %+v, %v", reply, err)
	}
}

func TestCancellationEndsTheExchangeAndLeavesNothingBehind(t *testing.T) {
	// Not parallel: it counts goroutines.
	before := runtime.NumGoroutine()
	for _, tcp := range []bool{false, true} {
		ctx, cancel := context.WithCancel(context.Background())
		packets, listener := listen(t, "127.0.0.1")
		asked := make(chan struct{})
		go func() {
			defer close(asked)
			if tcp {
				if conn, err := listener.Accept(); err == nil {
					_, _ = readFrame(conn)
					cancel()
					waitForEnd(conn)
					_ = conn.Close()
				}
				return
			}
			_, _, _ = packets.ReadFromUDP(make([]byte, 512))
			cancel()
		}()
		_, err := transport.New(transport.Options{Timeout: time.Hour}).Exchange(ctx,
			transport.Request{Server: packets.LocalAddr().(*net.UDPAddr).AddrPort(), Question: question, TCP: tcp})
		<-asked
		if !errors.Is(err, context.Canceled) {
			t.Errorf("TCP %v: got %v", tcp, err)
		}
		_ = packets.Close()
		_ = listener.Close()
	}
	for tries := 0; runtime.NumGoroutine() > before; tries++ {
		if tries == 10_000_000 { // goroutines of the test itself need a moment to end
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
		runtime.Gosched()
	}
}

func TestTheContextsDeadlineIsNotTheServersFault(t *testing.T) {
	t.Parallel()
	s := serve(t, "127.0.0.1", nil, nil)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	_, err := transport.New(transport.Options{Timeout: time.Hour}).Exchange(ctx, transport.Request{Server: s.addr, Question: question})
	if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, transport.ErrTimeout) {
		t.Errorf("got %v", err)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := transport.New(transport.Options{}).Exchange(ended, transport.Request{Server: s.addr, Question: question}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestServersAreAskedOverIPv6AndMappedAddresses(t *testing.T) {
	t.Parallel()
	reply := func(q []byte) [][]byte { return [][]byte{answer(q, overUDP)} }
	s6 := serve(t, "::1", reply, nil)
	if r, err := ask(t, s6); err != nil || address(t, r) != overUDP {
		t.Errorf("IPv6: %v", err)
	}
	if r, err := ask(t, s6, func(r *transport.Request) { r.TCP = true }); err != nil || address(t, r) != overTCP {
		t.Errorf("IPv6 over TCP: %v", err)
	}
	s4 := serve(t, "127.0.0.1", reply, nil)
	mapped := func(r *transport.Request) {
		r.Server = netip.AddrPortFrom(netip.AddrFrom16(s4.addr.Addr().As16()), s4.addr.Port())
	}
	if r, err := ask(t, s4, mapped); err != nil || address(t, r) != overUDP {
		t.Errorf("mapped: %v", err)
	}
}

func TestRequestsWithoutAServerFail(t *testing.T) {
	t.Parallel()
	for _, tcp := range []bool{false, true} {
		if _, err := transport.New(transport.Options{}).Exchange(context.Background(), transport.Request{Question: question, TCP: tcp}); err == nil {
			t.Errorf("TCP %v: no error", tcp)
		}
	}
}

func TestTheSourceAddressIsOneOfThoseGiven(t *testing.T) {
	t.Parallel()
	source := netip.MustParseAddr("127.0.0.1")
	s := serve(t, "127.0.0.1", func(q []byte) [][]byte { return [][]byte{answer(q, overUDP)} }, nil)
	c := transport.New(transport.Options{Sources4: []netip.Addr{source}})
	for _, tcp := range []bool{false, true} {
		if _, err := c.Exchange(context.Background(), transport.Request{Server: s.addr, Question: question, TCP: tcp, Timeout: 20 * time.Second}); err != nil {
			t.Errorf("TCP %v: %v", tcp, err)
		}
	}
	if got := s.from.Load().(netip.AddrPort).Addr(); got != source {
		t.Errorf("asked from %v", got)
	}
	foreign := transport.New(transport.Options{Sources4: []netip.Addr{netip.MustParseAddr("192.0.2.1")}})
	if _, err := foreign.Exchange(context.Background(), transport.Request{Server: s.addr, Question: question}); err == nil {
		t.Error("asked from an address that is not ours")
	}
}

func TestWithoutRandomnessNothingIsSent(t *testing.T) {
	t.Parallel()
	s := serve(t, "127.0.0.1", nil, nil)
	for _, tcp := range []bool{false, true} {
		_, err := transport.New(transport.Options{Rand: strings.NewReader("")}).Exchange(context.Background(),
			transport.Request{Server: s.addr, Question: question, TCP: tcp})
		if !errors.Is(err, io.EOF) {
			t.Errorf("TCP %v: got %v", tcp, err)
		}
	}
	if s.asked[0].Load()+s.asked[1].Load() != 0 {
		t.Error("a query was sent")
	}
}

func TestLowerCaseOnDemand(t *testing.T) {
	t.Parallel()
	seen := make(chan string, 1)
	s := serve(t, "127.0.0.1", func(q []byte) [][]byte {
		seen <- string(q[12 : 12+len(question.Name)])
		return [][]byte{answer(q, overUDP)}
	}, nil)
	_, err := transport.New(transport.Options{NoCase0x20: true}).Exchange(context.Background(),
		transport.Request{Server: s.addr, Question: question, Timeout: 20 * time.Second})
	if got := <-seen; err != nil || got != string(question.Name) {
		t.Errorf("asked for %q, %v", got, err)
	}
}

// The memory of a query serves others when it is over: what one of them was told
// must not change under its hands.
func TestManyExchangesAtOnceKeepTheirReplies(t *testing.T) {
	t.Parallel()
	s := serve(t, "127.0.0.1", func(q []byte) [][]byte {
		return [][]byte{[]byte("garbage"), answer(q, overUDP, echo(1, "192.0.2.0", 24, 20), func(m *dns.Msg) {
			m.IsEdns0().Option = append(m.IsEdns0().Option, &dns.EDNS0_EDE{ExtraText: strings.ToLower(m.Question[0].Name)})
		})}
	}, nil)
	c := transport.New(transport.Options{})
	const askers, rounds = 8, 25
	told := make(chan map[lookup.Name]*transport.Reply, askers)
	for asker := range askers {
		go func() {
			replies := map[lookup.Name]*transport.Reply{}
			defer func() { told <- replies }()
			for round := range rounds {
				q := question
				q.Name = lookup.MustName(fmt.Sprintf("n%d.%s.example.", round, strings.Repeat("x", 1+7*asker)))
				reply, err := c.Exchange(context.Background(), transport.Request{Server: s.addr, Question: q,
					Subnet: netip.MustParsePrefix("192.0.2.0/24"), Timeout: 20 * time.Second})
				if err != nil {
					t.Error(err)
					return
				}
				replies[q.Name] = reply
			}
		}()
	}
	for range askers {
		for name, reply := range <-told {
			if len(reply.Answer) != 1 || reply.Answer[0].Name != name || reply.Answer[0].Data.First() != "\xc0\x00\x02\x11" {
				t.Errorf("%s: answer %v", name, reply.Answer)
			}
			if len(reply.EDE) != 1 || reply.EDE[0].Text != name.String() || reply.Scope.String() != "192.0.2.0/20" {
				t.Errorf("%s: EDE %v, scope %v", name, reply.EDE, reply.Scope)
			}
		}
	}
}

// Not parallel: it counts what the whole program allocates, the server's few
// included.
func TestAnExchangeAllocatesLittle(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("package net's sockets allocate as they like")
	}
	s := serve(t, "127.0.0.1", refuse, nil)
	c, r := transport.New(transport.Options{}), transport.Request{Server: s.addr, Question: question, Timeout: 20 * time.Second}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if n := testing.AllocsPerRun(200, func() { _, _ = c.Exchange(ctx, r) }); n > 26 {
		t.Errorf("%v allocations", n)
	}
}

// refuse is the least that a server can say.
func refuse(q []byte) [][]byte { return [][]byte{patch(q, 2, 0x80, byte(lookup.REFUSED))} }

func BenchmarkExchange(b *testing.B) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for _, c := range []struct {
		name string
		ctx  context.Context
		tcp  bool
	}{
		{"UDP", context.Background(), false},
		{"UDPCancellable", ctx, false},
		{"TCP", context.Background(), true},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := serve(b, "127.0.0.1", refuse, refuse)
			client := transport.New(transport.Options{})
			b.ReportAllocs()
			for b.Loop() {
				if _, err := client.Exchange(c.ctx, transport.Request{Server: s.addr, Question: question, TCP: c.tcp}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
