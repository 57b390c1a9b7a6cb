package probe_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/probe"
)

// server answers over UDP and TCP on one port of loopback with what answer returns, nil
// being nothing.
func server(t *testing.T, answer func(query []byte, tcp bool) [][]byte) netip.AddrPort {
	t.Helper()
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := net.Listen("tcp", udp.LocalAddr().String())
	if err != nil {
		udp.Close()
		t.Skipf("the port of a UDP socket is not free for TCP: %v", err)
	}
	t.Cleanup(func() { udp.Close(); tcp.Close() })
	go func() {
		for buf := make([]byte, 65535); ; {
			n, from, err := udp.ReadFrom(buf)
			if err != nil {
				return
			}
			for _, r := range answer(buf[:n], false) {
				_, _ = udp.WriteTo(r, from)
			}
		}
	}()
	go func() {
		for {
			conn, err := tcp.Accept()
			if err != nil {
				return
			}
			var length [2]byte
			if _, err := io.ReadFull(conn, length[:]); err == nil {
				query := make([]byte, binary.BigEndian.Uint16(length[:]))
				_, _ = io.ReadFull(conn, query)
				for _, r := range answer(query, true) {
					_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(r))), r...))
				}
			}
			conn.Close()
		}
	}()
	return netip.MustParseAddrPort(udp.LocalAddr().String())
}

func reply(query []byte, change func(*dns.Msg)) []byte {
	q := new(dns.Msg)
	if q.Unpack(query) != nil {
		return nil
	}
	r := new(dns.Msg).SetReply(q)
	change(r)
	octets, err := r.Pack()
	if err != nil {
		return nil
	}
	return octets
}

func TestTruncatedRepliesAreFetchedOverTCP(t *testing.T) {
	t.Parallel()
	at := server(t, func(q []byte, tcp bool) [][]byte {
		return [][]byte{reply(q, func(r *dns.Msg) { r.Truncated = !tcp })}
	})
	c := probe.New(at, probe.Options{})
	r, err := c.Ask(t.Context(), probe.Query("example", dns.TypeA, false))
	if err != nil || !r.TCP || r.Rcode() != 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	r, err = c.Exchange(t.Context(), probe.Query("example", dns.TypeA, false), false)
	if err != nil || r.TCP || !r.Msg.Truncated {
		t.Fatalf("%+v, %v", r, err)
	}
	if c.Asked() != 3 {
		t.Errorf("%d queries", c.Asked())
	}
}

// What another query is answered with, and what is no answer, is not waited for in vain.
func TestStrayMessagesAreLeftOut(t *testing.T) {
	t.Parallel()
	at := server(t, func(q []byte, tcp bool) [][]byte {
		stray := reply(q, func(r *dns.Msg) { r.Id++ })
		return [][]byte{q, stray, {1, 2, 3}, reply(q, func(r *dns.Msg) { r.Rcode = dns.RcodeRefused })}
	})
	for _, tcp := range []bool{false, true} {
		r, err := probe.New(at, probe.Options{}).Exchange(t.Context(), probe.Query("example", dns.TypeA, false), tcp)
		if err != nil || r.Rcode() != dns.RcodeRefused {
			t.Errorf("tcp %v: %+v, %v", tcp, r, err)
		}
	}
}

// An option that a parser of messages refuses is seen all the same.
func TestOptionsAreSeenAsTheyCame(t *testing.T) {
	t.Parallel()
	const wrong = "\x00\x01\x63\x00\x01" // 99 bits of an IPv4 address
	at := server(t, func(q []byte, _ bool) [][]byte {
		return [][]byte{reply(q, func(r *dns.Msg) {
			r.SetEdns0(1232, false)
			r.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_LOCAL{Code: dns.EDNS0SUBNET, Data: []byte(wrong)}, &dns.EDNS0_LOCAL{Code: 100, Data: []byte("x")}}
		})}
	})
	r, err := probe.New(at, probe.Options{}).Ask(t.Context(), probe.Query("example", dns.TypeA, false))
	if err != nil {
		t.Fatal(err)
	}
	if found := r.Find(dns.EDNS0SUBNET); len(found) != 1 || found[0].Data != wrong || len(r.Options) != 2 {
		t.Errorf("%+v", r.Options)
	}
	if r.Msg != nil || r.Err == nil || r.Rcode() != -1 {
		t.Errorf("the message is said to be right: %+v", r)
	}
}

func TestSilenceIsAnErrorAfterSomeTries(t *testing.T) {
	t.Parallel()
	heard := make(chan bool, 10)
	at := server(t, func([]byte, bool) [][]byte { heard <- true; return nil })
	_, err := probe.New(at, probe.Options{Timeout: 50 * time.Millisecond, Tries: 3}).Exchange(t.Context(), probe.Query("example", dns.TypeA, false), false)
	if err == nil || !strings.Contains(err.Error(), "no reply") || len(heard) != 3 {
		t.Errorf("%d queries, %v", len(heard), err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := probe.New(at, probe.Options{}).Exchange(ctx, probe.Query("example", dns.TypeA, false), true); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestPaceAndNumberAreKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := probe.New(netip.MustParseAddrPort("127.0.0.1:1"), probe.Options{Rate: 10, Most: 4})
		begin := time.Now()
		for range 4 {
			if err := c.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if d := time.Since(begin); d != 300*time.Millisecond {
			t.Errorf("four queries, ten in a second: begun within %v", d)
		}
		if err := c.Wait(t.Context()); !errors.Is(err, probe.ErrEnough) {
			t.Errorf("the fifth of four: %v", err)
		}
	})
}
