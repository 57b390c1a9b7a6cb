package server

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sextant-dns/sextant/crew"
	"github.com/sextant-dns/sextant/lookup"
)

// Options are what a Server may be told. Zero fields take their defaults.
type Options struct {
	Views   []View        // in the order in which they are tried
	Packets int           // how many packets are remembered; default 100000, or any number when there is PacketBytes; negative: none
	Limits  lookup.Limits // of the work for one query
	Zones   Zones         // speaks with other servers for our zones; nil: nobody does

	// Secluded answers a server that has signed with the key ("": with none) about a
	// zone that is not for everybody (see Server.Seclude). nil: nobody hears of them.
	Secluded  func(ctx context.Context, from netip.Addr, key lookup.Name, q lookup.Question) *lookup.Response
	Transfers TransferOptions

	// PacketBytes is how many octets of memory the packets may take; default any
	// number.
	PacketBytes int64

	Order Order // of the addresses in answers; default OrderFixed

	UDPSize int // largest UDP reply in octets, and what we announce; 512 to 4096, default 1232
	Readers int // UDP sockets for each address, on Linux; default one for each processor
	Slow    int // UDP queries that wait for resolvers at once; default 10000

	// SlowPerClient is how many of them may be of one IPv4 address or IPv6 /64;
	// default 256.
	SlowPerClient int

	// MaxAge is how old a UDP query may be when its answer comes: nobody waits
	// for older ones, and an attacker could have them sent in one burst
	// (DNSBomb, CVE-2024-33655). Default 1.9 s, negative: any age.
	MaxAge   time.Duration
	Deadline time.Duration // how long a resolver may take; default 10 s
	Grace    time.Duration // how long Run waits for answers when it is told to end; default 2 s
	TCP      TCPOptions

	Cookies   CookieOptions
	RateLimit RateLimit

	// Expire tells for how many seconds a zone that we answer for is good: of a copy
	// what is left of its time, of others the SOA's EXPIRE (RFC 7314 3.2 and 3.3). It
	// must be quick and safe for concurrent use. nil: nobody is told.
	Expire func(zone lookup.Name) (seconds uint32, ok bool)

	// NSID identifies this server to those who ask (RFC 5001, and TXT CH
	// id.server); at most 128 octets are used. "": nobody is told.
	NSID string
	// Version is told to those who ask for TXT CH version.bind; at most 255
	// octets are used. "": nobody is told.
	Version string

	// Crew is who answers, and is kept while Run runs; whoever works for the server below
	// it may be of the same. nil: one of its own.
	Crew *crew.Crew

	Now  func() time.Time // for TTLs and latencies; default time.Now
	IntN func(n int) int  // a random number from 0 to n-1, safe for concurrent use; default rand.IntN
	Log  *slog.Logger     // default: nothing is logged
}

// TCPOptions bound TCP connections. Zero fields take their defaults.
type TCPOptions struct {
	FirstByte   time.Duration // until the first query of a connection is complete; default 2 s
	Idle        time.Duration // until the next one is, counted from the last reply; default 10 s
	Write       time.Duration // until the client has taken a reply; default 5 s
	InFlight    int           // queries at work at once on one connection; default 16
	PerClient   int           // connections of one IPv4 address or IPv6 /64; default 32
	Connections int           // connections in all; default 1024
}

func (o Options) filled() Options {
	if o.PacketBytes == 0 {
		o.Packets = cmp.Or(o.Packets, 100_000)
	}
	o.UDPSize = min(max(cmp.Or(o.UDPSize, 1232), minUDP), maxUDP)
	o.Readers = cmp.Or(o.Readers, runtime.GOMAXPROCS(0))
	o.Slow = cmp.Or(o.Slow, 10_000)
	o.SlowPerClient = cmp.Or(o.SlowPerClient, 256)
	o.MaxAge = cmp.Or(o.MaxAge, 1900*time.Millisecond)
	o.Deadline = cmp.Or(o.Deadline, 10*time.Second)
	o.Grace = cmp.Or(o.Grace, 2*time.Second)
	o.TCP.FirstByte = cmp.Or(o.TCP.FirstByte, 2*time.Second)
	o.TCP.Idle = cmp.Or(o.TCP.Idle, 10*time.Second)
	o.TCP.Write = cmp.Or(o.TCP.Write, 5*time.Second)
	o.TCP.InFlight = cmp.Or(o.TCP.InFlight, 16)
	o.TCP.PerClient = cmp.Or(o.TCP.PerClient, 32)
	o.TCP.Connections = cmp.Or(o.TCP.Connections, 1024)
	o.NSID = o.NSID[:min(len(o.NSID), maxNSID)]
	o.Version = o.Version[:min(len(o.Version), 255)]
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.IntN == nil {
		o.IntN = rand.IntN
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Server answers messages. Its methods are safe for concurrent use.
type Server struct {
	options    Options
	generation atomic.Pointer[generation]
	tally      *tally                                   // of all that no UDP reader counts
	crowd      *crowd                                   // the TCP connections
	queue      *queue                                   // the UDP queries that wait
	cookies    *cookies                                 // nil: ignored
	limiter    *limiter                                 // of replies over UDP; nil: none is limited
	transfers  *turns                                   // the transfers to others
	secluded   atomic.Pointer[map[lookup.Name]struct{}] // zones that are not for everybody; nil: none

	mu       sync.Mutex
	udp      []*udpSocket
	tcp      []net.Listener
	drivers  []attached
	replaced sync.Mutex // one Replace or Flush at a time

	answered sync.WaitGroup // queries in pending
	crew     *crew.Crew     // who answers them
	pendings sync.Pool      // *pending that can be used again
	benches  sync.Pool      // *bench that can be used again
}

// New makes a Server. It opens no socket and starts nothing.
func New(o Options) *Server {
	s := &Server{options: o.filled(), tally: new(tally)}
	s.crowd = newCrowd(s.options.TCP)
	s.queue = newQueue(s.options.Slow, s.options.SlowPerClient)
	s.cookies = newCookies(s.options.Cookies)
	s.limiter = newLimiter(s.options.RateLimit)
	s.crew = cmp.Or(s.options.Crew, new(crew.Crew))
	s.transfers = newTurns(s.options.Transfers)
	s.pendings.New = func() any { return new(pending) }
	s.benches.New = func() any { return new(bench) }
	s.generation.Store(newGeneration(s.options.Views, s.options))
	return s
}

// Replace changes the views, all at once, and forgets all packets. Queries that
// are under way are answered by the views that they began with.
func (s *Server) Replace(views []View) {
	s.replaced.Lock()
	defer s.replaced.Unlock()
	s.generation.Store(newGeneration(views, s.options))
}

// Flush forgets all packets.
func (s *Server) Flush() {
	s.replaced.Lock()
	defer s.replaced.Unlock()
	s.generation.Store(newGeneration(s.generation.Load().views, s.options))
}

// Listen opens sockets for UDP and TCP on the address; nobody reads from them
// before Run. An unspecified address (0.0.0.0 or ::) stands for all addresses of
// its family, and replies leave from the one that was asked (RFC 2181 4). Port 0
// takes any port that is free for both protocols; Addrs tells which.
func (s *Server) Listen(addr netip.AddrPort) error {
	const tries = 16 // a port that TCP finds free may be taken for UDP
	for try := 1; ; try++ {
		listener, sockets, err := s.listen(addr)
		if err == nil {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.tcp, s.udp = append(s.tcp, listener), append(s.udp, sockets...)
			return nil
		}
		if addr.Port() != 0 || try == tries {
			return err
		}
	}
}

// listen opens the TCP listener and, on the same port, the UDP sockets. TCP comes
// first: its port is ours alone, while UDP sockets share theirs, also with
// another process that runs the same program by mistake.
func (s *Server) listen(addr netip.AddrPort) (net.Listener, []*udpSocket, error) {
	addr = netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
	listener, err := listenTCP(addr)
	if err != nil {
		return nil, nil, err
	}
	bound := listener.Addr().(*net.TCPAddr).AddrPort()
	sockets, err := s.listenUDP(netip.AddrPortFrom(addr.Addr(), bound.Port()))
	if err != nil {
		return nil, nil, errors.Join(err, listener.Close())
	}
	return listener, sockets, nil
}

// network is the name of proto for addresses of that family alone.
func network(proto Proto, addr netip.Addr) string {
	if addr.Is4() {
		return proto.String() + "4"
	}
	return proto.String() + "6"
}

// Addrs are the addresses that Listen opened, in order. Each is there for UDP
// and for TCP.
func (s *Server) Addrs() []netip.AddrPort {
	s.mu.Lock()
	defer s.mu.Unlock()
	addrs := make([]netip.AddrPort, 0, len(s.tcp))
	for _, l := range s.tcp {
		addrs = append(addrs, l.Addr().(*net.TCPAddr).AddrPort())
	}
	return addrs
}

// Run serves the sockets that Listen opened, and the drivers that were attached, until
// ctx is done or a socket fails. Then it takes no more queries, gives those under way some time
// (Options.Grace), closes the sockets and returns after everything that it
// started has ended. The error is nil when it was ctx that ended it. It must be
// called once at most; Listen and Attach must not be called after it.
func (s *Server) Run(ctx context.Context) error {
	s.mu.Lock()
	sockets, listeners, drivers := s.udp, s.tcp, s.drivers
	s.mu.Unlock()

	defer s.crew.Keep()()
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	failed := make(chan error, len(sockets)+len(listeners))
	var readers sync.WaitGroup
	for _, u := range sockets {
		readers.Go(func() { failed <- u.read(work) })
	}
	for _, l := range listeners {
		readers.Go(func() { failed <- s.accept(work, l) })
	}
	for _, d := range drivers {
		readers.Go(func() { d.serve(work) })
	}

	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	for _, d := range drivers {
		d.Stop()
	}
	for _, u := range sockets {
		u.stop()
	}
	for _, l := range listeners {
		err = errors.Join(err, l.Close())
	}
	s.crowd.stop()
	defer time.AfterFunc(s.options.Grace, cancel).Stop()
	readers.Wait()
	s.answered.Wait()
	for _, u := range sockets {
		err = errors.Join(err, u.close())
	}
	return err
}

// tallies are all parts of the counters.
func (s *Server) tallies() []*tally {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []*tally{s.tally}
	for _, u := range s.udp {
		all = append(all, u.tally)
	}
	for _, d := range s.drivers {
		all = append(all, d.reader.tally)
	}
	return all
}
