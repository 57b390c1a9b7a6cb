package lint

import (
	"net"
	"net/netip"
	"testing"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/probe"
)

// responder answers a query; nil is silence.
type responder func(q *dns.Msg) *dns.Msg

// pair is two sockets with the same port, which may be somebody's over the other transport.
func pair(t *testing.T) (net.PacketConn, net.Listener) {
	t.Helper()
	for range 100 {
		udp, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		tcp, err := net.Listen("tcp", udp.LocalAddr().String())
		if err == nil {
			return udp, tcp
		}
		udp.Close()
	}
	t.Fatal("no port is free for UDP and TCP")
	return nil, nil
}

// client asks a server of its own on loopback, over UDP and TCP.
func client(t *testing.T, r responder) *probe.Client {
	t.Helper()
	udp, tcp := pair(t)
	handle := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		if reply := r(q); reply != nil {
			_ = w.WriteMsg(reply)
		}
	})
	accept := func(dns.Header) dns.MsgAcceptAction { return dns.MsgAccept }
	for _, s := range []*dns.Server{{PacketConn: udp, Handler: handle, MsgAcceptFunc: accept, UDPSize: 65535}, {Listener: tcp, Handler: handle, MsgAcceptFunc: accept}} {
		done := make(chan struct{})
		started := make(chan struct{})
		s.NotifyStartedFunc = func() { close(started) }
		go func() {
			defer close(done)
			_ = s.ActivateAndServe()
		}()
		<-started
		t.Cleanup(func() {
			_ = s.Shutdown()
			<-done
		})
	}
	at := netip.MustParseAddrPort(udp.LocalAddr().String())
	return probe.New(at, probe.Options{Timeout: patience, Tries: 1})
}

// wrong is the checks of a report that are not right, but for notes.
func wrong(r *Report) (ids []string) {
	for _, c := range r.Checks {
		if c.Result >= Warning {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// rr is an RR in the form of a master file.
func rr(t *testing.T, text string) dns.RR {
	t.Helper()
	r, err := dns.NewRR(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// subnet is the option of a query as it came; nil.
func subnet(q *dns.Msg) *dns.EDNS0_SUBNET {
	if opt := q.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if s, ok := o.(*dns.EDNS0_SUBNET); ok {
				return s
			}
		}
	}
	return nil
}
