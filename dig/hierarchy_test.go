package dig

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// hierarchy is a root, a TLD and a zone below it, each with a server of its own
// at 127.53.0.0/16. The servers are named as their addresses, because the real
// dig asks the operating system for a name server's address.
func hierarchy() map[string]string {
	const soa = " 3600 IN SOA ns. host. 1 7200 3600 1209600 300\n"
	return map[string]string{
		"127.53.0.1": "." + soa + `. 86400 IN NS 127.53.0.1.
			example. 86400 IN NS 127.53.0.2.`,
		"127.53.0.2": "example." + soa + `example. 3600 IN NS 127.53.0.2.
			a.example. 300 IN A 192.0.2.1
			sub.example. 3600 IN NS 127.53.0.3.
			silent.example. 3600 IN NS 127.53.0.9.
			nowhere.example. 3600 IN NS no-such-server.invalid.
			sideways.example. 3600 IN NS 127.53.0.4.`,
		"127.53.0.3": "sub.example." + soa + `sub.example. 3600 IN NS 127.53.0.3.
			a.sub.example. 300 IN A 192.0.2.7
			www.sub.example. 300 IN CNAME a.sub.example.`,
		"127.53.0.4": "sideways.example. 3600 IN NS 127.53.0.4.",
	}
}

// startHierarchy opens the servers at one port.
func startHierarchy(t testing.TB) *testServer {
	t.Helper()
	for range 20 {
		if s := tryHierarchy(t); s != nil {
			return s
		}
	}
	t.Skip("127.0.0.0/8 is not usable")
	return nil
}

func tryHierarchy(t testing.TB) *testServer {
	s := &testServer{}
	for _, address := range []string{"127.53.0.1", "127.53.0.2", "127.53.0.3", "127.53.0.4"} {
		a := netip.MustParseAddr(address)
		socket, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(a, s.addr.Port())))
		if err != nil {
			return nil
		}
		if !s.addr.IsValid() {
			s.addr = socket.LocalAddr().(*net.UDPAddr).AddrPort()
		}
		z := &testZone{}
		zp := dns.NewZoneParser(strings.NewReader(strings.ReplaceAll(hierarchy()[address], "\t", "")), ".", "")
		for rr, ok := zp.Next(); ok; rr, ok = zp.Next() {
			z.rrs = append(z.rrs, rr)
		}
		server := &dns.Server{PacketConn: socket, Handler: z, MsgAcceptFunc: acceptAll}
		go func() { _ = server.ActivateAndServe() }()
		t.Cleanup(func() { _ = server.Shutdown() })
	}
	return s
}

// testZone answers from RRs: with those asked for, a CNAME, a referral or a SOA.
type testZone struct{ rrs []dns.RR }

func (z *testZone) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	r := new(dns.Msg).SetReply(q)
	r.Authoritative = true
	if o := q.IsEdns0(); o != nil {
		r.SetEdns0(1232, o.Do())
		for _, each := range o.Option {
			if subnet, ok := each.(*dns.EDNS0_SUBNET); ok {
				r.IsEdns0().Option = append(r.IsEdns0().Option, subnet)
			}
		}
	}
	name, exists := q.Question[0].Name, false
	var apex string
	for _, rr := range z.rrs {
		h := rr.Header()
		if h.Rrtype == dns.TypeSOA {
			apex = h.Name
		}
		if strings.EqualFold(h.Name, name) {
			exists = true
			if h.Rrtype == q.Question[0].Qtype || h.Rrtype == dns.TypeCNAME {
				r.Answer = append(r.Answer, rr)
			}
		}
	}
	for _, rr := range z.rrs {
		if h := rr.Header(); h.Rrtype == dns.TypeNS && h.Name != apex && dns.IsSubDomain(h.Name, name) {
			r.Answer, r.Ns, r.Authoritative, exists = nil, append(r.Ns, rr), false, true
		}
	}
	if len(r.Answer) == 0 && len(r.Ns) == 0 {
		r.Ns = z.rrs[:1]
	}
	if !exists {
		r.Rcode = dns.RcodeNameError
	}
	_ = w.WriteMsg(r)
}
