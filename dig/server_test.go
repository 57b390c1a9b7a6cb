package dig

import (
	"encoding/hex"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// testServer is a small authoritative server for testdata/example.zone, on
// UDP and TCP of one port of 127.0.0.1. Some names make it misbehave.
type testServer struct {
	rrs    []dns.RR
	addr   netip.AddrPort
	silent chan struct{} // told, when somebody listens, of queries that get no reply
}

func startServer(t testing.TB) *testServer {
	t.Helper()
	text, err := os.ReadFile("testdata/example.zone")
	if err != nil {
		t.Fatal(err)
	}
	s := &testServer{silent: make(chan struct{}, 1)}
	zp := dns.NewZoneParser(strings.NewReader(string(text)), "example.", "example.zone")
	for rr, ok := zp.Next(); ok; rr, ok = zp.Next() {
		s.rrs = append(s.rrs, rr)
	}
	if zp.Err() != nil {
		t.Fatal(zp.Err())
	}
	s.listen(t)
	return s
}

// listen opens the two sockets, and others when the second port is taken.
func (s *testServer) listen(t testing.TB) {
	t.Helper()
	for range 20 {
		udp, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s.addr = udp.LocalAddr().(*net.UDPAddr).AddrPort()
		tcp, err := net.Listen("tcp", s.addr.String())
		if err != nil {
			_ = udp.Close()
			continue
		}
		for _, server := range []*dns.Server{
			{PacketConn: udp, Handler: s, MsgAcceptFunc: acceptAll},
			{Listener: tcp, Handler: s, MsgAcceptFunc: acceptAll},
		} {
			server.TsigSecret = map[string]string{"k.example.": testSecret}
			go func() { _ = server.ActivateAndServe() }()
			t.Cleanup(func() { _ = server.Shutdown() })
		}
		return
	}
	t.Fatal("no port is free for both protocols")
}

func acceptAll(dns.Header) dns.MsgAcceptAction { return dns.MsgAccept }

func (s *testServer) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	if s.transfers(w, q) {
		return
	}
	r := new(dns.Msg)
	r.SetReply(q)
	r.Authoritative = true
	r.Compress = true
	_, tcp := w.RemoteAddr().(*net.TCPAddr)
	s.edns(q, r)
	if len(q.Question) == 1 {
		s.answer(q, r, tcp)
	}
	if s.signed(w, q, r) {
		return
	}
	packed, err := r.Pack()
	if err != nil {
		panic(err)
	}
	name := ""
	if len(q.Question) == 1 {
		name = strings.ToLower(q.Question[0].Name)
	}
	switch name {
	case "silent.example.":
		select {
		case s.silent <- struct{}{}:
		default:
		}
		return
	case "garbage.example.":
		packed = packed[:20]
	case "extra.example.":
		packed = append(packed, 1, 2, 3)
	case "wrong-id.example.":
		wrong := slices.Clone(packed)
		wrong[0] ^= 0xff
		_, _ = w.Write(wrong)
	case "wrong-question.example.":
		wrong := slices.Clone(packed)
		wrong[13] = 'x'
		_, _ = w.Write(wrong)
	case "mbz.example.":
		packed[3] |= 0x40
	case "hangup.example.":
		if tcp {
			_ = w.Close()
			return
		}
	}
	_, _ = w.Write(packed)
}

// edns copies the query's OPT and answers its options.
func (s *testServer) edns(q, r *dns.Msg) {
	opt := q.IsEdns0()
	if opt == nil {
		return
	}
	r.SetEdns0(1232, opt.Do())
	reply := r.IsEdns0()
	if opt.Version() != 0 {
		r.Rcode = dns.RcodeBadVers
	}
	for _, o := range opt.Option {
		switch o := o.(type) {
		case *dns.EDNS0_NSID:
			reply.Option = append(reply.Option, &dns.EDNS0_NSID{Code: dns.EDNS0NSID, Nsid: hex.EncodeToString([]byte("ns-1 \"\x01"))})
		case *dns.EDNS0_SUBNET:
			echo := *o
			echo.SourceScope = min(21, o.SourceNetmask)
			reply.Option = append(reply.Option, &echo)
		case *dns.EDNS0_COOKIE:
			s.cookie(q, r, reply, o.Cookie)
		case *dns.EDNS0_EXPIRE:
			reply.Option = append(reply.Option, &dns.EDNS0_EXPIRE{Code: dns.EDNS0EXPIRE, Expire: 1209600})
		case *dns.EDNS0_TCP_KEEPALIVE:
			reply.Option = append(reply.Option, &dns.EDNS0_TCP_KEEPALIVE{Code: dns.EDNS0TCPKEEPALIVE, Timeout: 300})
		case *dns.EDNS0_PADDING:
			reply.Option = append(reply.Option, &dns.EDNS0_PADDING{Padding: make([]byte, 6)})
		case *dns.EDNS0_LOCAL:
			reply.Option = append(reply.Option, o)
		}
	}
}

// cookie answers a COOKIE option: with a server cookie that is always the same.
func (s *testServer) cookie(q, r *dns.Msg, reply *dns.OPT, cookie string) {
	const serverCookie = "0100000066666666aaaaaaaaaaaaaaaa"
	if len(cookie) < 16 { // RFC 7873 5.2.2
		r.Rcode = dns.RcodeFormatError
		return
	}
	if len(q.Question) == 1 {
		switch q.Question[0].Name {
		case "no-cookie.example.":
			return
		case "echo-cookie.example.":
			reply.Option = append(reply.Option, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: cookie})
			return
		case "wrong-cookie.example.":
			cookie = "ffffffffffffffff"
		case "bad-cookie.example.":
			if len(cookie) == 16 {
				r.Rcode = dns.RcodeBadCookie
			}
		}
	}
	reply.Option = append(reply.Option, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: cookie[:16] + serverCookie})
}

func (s *testServer) answer(q, r *dns.Msg, tcp bool) {
	if r.Rcode != dns.RcodeSuccess {
		return
	}
	opt := r.IsEdns0()
	question := q.Question[0]
	switch strings.ToLower(question.Name) {
	case "refused.example.":
		r.Rcode, r.Authoritative = dns.RcodeRefused, false
	case "servfail.example.":
		r.Rcode = dns.RcodeServerFailure
		if opt != nil {
			opt.Option = append(opt.Option,
				&dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeNoReachableAuthority, ExtraText: "at delegation example."},
				&dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeNetworkError},
				&dns.EDNS0_EDE{InfoCode: 4711, ExtraText: "a \"new\" one"})
		}
	case "formerr-edns.example.":
		if opt != nil {
			r.Rcode, r.Extra = dns.RcodeFormatError, nil
		}
	case "notimp.example.":
		r.Rcode, r.Extra = dns.RcodeNotImplemented, nil
	case "rcode.example.":
		r.Rcode = 12
	case "flags.example.":
		r.RecursionAvailable, r.AuthenticatedData, r.CheckingDisabled = true, true, true
	case "large.example.":
		r.Truncated = !tcp
		if tcp {
			for i := range 20 {
				text := strings.Repeat(string(rune('a'+i)), 100)
				r.Answer = append(r.Answer, &dns.TXT{Hdr: header(question.Name, dns.TypeTXT), Txt: []string{text}})
			}
		}
	case "hangup.example.":
		r.Truncated = true
	default:
		if octets, ok := strings.CutSuffix(question.Name, ".rdata.example."); ok {
			r.Answer = []dns.RR{&dns.RFC3597{Hdr: header(question.Name, question.Qtype), Rdata: strings.ReplaceAll(strings.TrimPrefix(octets, "x"), ".", "")}}
			return
		}
		s.find(q, r)
	}
}

func header(name string, t uint16) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: t, Class: dns.ClassINET, Ttl: 60}
}

// find answers from the zone, following aliases.
func (s *testServer) find(q, r *dns.Msg) {
	question := q.Question[0]
	name, exists := question.Name, false
	for range 8 {
		target := ""
		for _, rr := range s.rrs {
			h := rr.Header()
			if !strings.EqualFold(h.Name, name) || question.Qclass != dns.ClassINET {
				continue
			}
			exists = true
			switch {
			case h.Rrtype == question.Qtype || question.Qtype == dns.TypeANY:
				r.Answer = append(r.Answer, rr)
			case h.Rrtype == dns.TypeRRSIG && r.IsEdns0() != nil && r.IsEdns0().Do() && rr.(*dns.RRSIG).TypeCovered == question.Qtype:
				r.Answer = append(r.Answer, rr)
			case h.Rrtype == dns.TypeCNAME:
				r.Answer = append(r.Answer, rr)
				target = rr.(*dns.CNAME).Target
			}
		}
		if target == "" {
			break
		}
		name, exists = target, false
	}
	s.rest(name, exists, r)
}

// rest fills the other sections: the SOA of a negative answer, or the name
// servers of a positive one.
func (s *testServer) rest(name string, exists bool, r *dns.Msg) {
	if !exists {
		r.Rcode = dns.RcodeNameError
	}
	for _, rr := range s.rrs {
		switch rr.Header().Rrtype {
		case dns.TypeSOA:
			if rr.Header().Name == "example." && (!exists || len(r.Answer) == 0) {
				r.Ns = append(r.Ns, rr)
			}
		case dns.TypeNS:
			if strings.HasPrefix(name, "a.") {
				r.Ns = append(r.Ns, rr)
			}
		}
		if rr.Header().Name == "ns1.example." && strings.HasPrefix(name, "a.") {
			r.Extra = append([]dns.RR{rr}, r.Extra...)
		}
	}
}
