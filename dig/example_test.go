package dig_test

import (
	"context"
	"net"
	"os"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/dig"
)

func ExampleRun() {
	// A server that knows one address.
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	server := &dns.Server{PacketConn: socket, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		r := new(dns.Msg).SetReply(q)
		rr, _ := dns.NewRR("www.example. 300 IN A 192.0.2.1")
		r.Answer = []dns.RR{rr}
		_ = w.WriteMsg(r)
	})}
	go func() { _ = server.ActivateAndServe() }()
	defer func() { _ = server.Shutdown() }()
	_, port, _ := net.SplitHostPort(socket.LocalAddr().String())

	args := []string{"@127.0.0.1", "-p", port, "www.example", "+noall", "+question", "+answer"}
	dig.Run(context.Background(), args, os.Stdout, os.Stderr, dig.Options{})
	// Output:
	// ;www.example.			IN	A
	// www.example.		300	IN	A	192.0.2.1
}
