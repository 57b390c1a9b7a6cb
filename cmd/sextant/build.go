package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sextant-dns/sextant/anchors"
	"github.com/sextant-dns/sextant/authoritative"
	"github.com/sextant-dns/sextant/config"
	"github.com/sextant-dns/sextant/control"
	"github.com/sextant-dns/sextant/crew"
	"github.com/sextant-dns/sextant/dns64"
	"github.com/sextant-dns/sextant/health"
	"github.com/sextant-dns/sextant/lifeline"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/metrics"
	"github.com/sextant-dns/sextant/override"
	"github.com/sextant-dns/sextant/primary"
	"github.com/sextant-dns/sextant/resolver"
	"github.com/sextant-dns/sextant/secondary"
	"github.com/sextant-dns/sextant/server"
	"github.com/sextant-dns/sextant/transport"
	"github.com/sextant-dns/sextant/tsig"
	"github.com/sextant-dns/sextant/xdp"
	"github.com/sextant-dns/sextant/zones"
)

// parts are a configuration come to life. Nothing is open before listen, and
// nothing moves before run.
type parts struct {
	log       *slog.Logger
	client    *transport.Client // nil: somebody else sends what is sent
	exchanges *exchanges
	root      *secondary.Copy // of the root zone; nil: not asked for
	copies    *copies         // of zones that we serve
	catalogs  *catalogs       // which list zones to copy, or ours
	transfers config.Transfers
	turns     turns // of copies that ask their primaries
	moved     moved // zones, between servers
	updates   *updates
	primary   *primary.Primary
	anchors   *anchors.Keeper  // nil: nothing is validated
	troubles  troubles         // with them
	health    *health.Monitor  // of sites
	lifeline  *lifeline.Keeper // nil: no zone is protected
	notifier  *notifier        // nil: nobody is told of that
	overrides *override.Set
	places    *places
	wiring    wiring
	crew      *crew.Crew // who answers, and who resolves
	options   resolver.Options
	recurse   *resolver.Resolver
	server    *server.Server
	drivers   []*xdp.Interface  // whose queries the server hears of before sockets do
	metrics   *metrics.Exporter // nil: not asked for
	control   *control.Server   // nil: not asked for
	started   time.Time
	state     atomic.Pointer[state]

	drilling sync.Mutex // held for a drill

	mutable sync.Mutex                  // what is served changes under it
	served  map[lookup.Name]*zones.Zone // our zones as they are served

	good atomic.Pointer[map[lookup.Name]good] // the same, for those who must not wait; never nil
}

// state is what a reload replaces.
type state struct {
	config *config.Config
	served []server.View
	dns64  []namedDNS64
	ours   []ours
	files  map[lookup.Name]*zones.Zone
	keys   []tsig.Key

	cookies  []server.CookieSecret
	located  located
	catalogs map[lookup.Name]bool // which zones are no zones for clients

	updates map[lookup.Name]*updated // of files, those that have a journal

	overrides *override.Prepared

	path     string    // of the file that config was read from; "": none
	reloaded time.Time // zero: config is the first
}

// namedDNS64 is a view's DNS64, for the metrics.
type namedDNS64 struct {
	view string
	*dns64.DNS64
}

// build makes the parts of c, from the bottom up. The error says what is wrong in
// the files that c names.
func build(c *config.Config, w wiring) (*parts, error) {
	p := &parts{log: w.log, exchanges: newExchanges(), started: time.Now(), copies: newCopies(), transfers: c.Transfers, turns: make(turns, c.Transfers.In)}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	p.health = health.New(health.Options{Report: func(e health.Event) { logHealth(p.log, e) }, OnChange: p.healthChanged})
	p.places, p.wiring = newPlaces(), w
	p.catalogs = newCatalogs(p.log)
	var err error
	if p.anchors, err = p.buildKeeper(c, w); err != nil {
		return nil, err
	}
	p.updates = newUpdates(p.log, p.renew, p.serves)
	p.root = newLocalRoot(c, p.trusted, p.log)
	p.primary = primary.New(primary.Options{Refresh: p.copies.hear, Dial: dialer("udp", c.Transfers.Source), Observe: func(e primary.Event) {
		logZone(p.log, e)
		p.moved.told(e)
	}})
	p.crew = new(crew.Crew)
	if p.options, err = p.resolverOptions(c, w); err != nil {
		return nil, err
	}
	p.options.Crew = p.crew
	p.recurse = resolver.New(p.options)
	p.notifier = newNotifier(c.Lifeline.Notify, p.log)
	if err := p.buildLifeline(c, w); err != nil {
		return nil, err
	}
	p.overrides = p.newOverrides(c, w)
	s, err := p.buildState(c)
	if err != nil {
		return nil, err
	}
	p.use(s)
	p.server = server.New(p.serverOptions(s))
	p.seclude(p.catalogs.all(c), p.served)
	if c.Metrics.IsValid() {
		p.metrics = metrics.New(version, p.snapshot)
	}
	if c.Control.Socket != "" {
		p.control = control.New(control.Options{Socket: c.Control.Socket, Group: c.Control.Group, Handlers: p.handlers()})
	}
	return p, nil
}

// buildState connects, for each view, the resolvers that it hears:
//
//	RD=1: dns64 -> our zones -> overrides -> special-use names -> rebinding filter -> lifeline -> the resolver
//	RD=0: our zones
func (p *parts) buildState(c *config.Config) (*state, error) {
	files, filesWrong := p.loadZones(c)
	located, locatedWrong := loadLocated(c, files, p.wiring)
	if filesWrong == nil && locatedWrong == nil {
		locatedWrong = p.locate(&located, files)
	}
	keys, keysWrong := loadKeys(c, p.log)
	secrets, secretsWrong := cookieSecrets(c.Cookies)
	overrides, overridesWrong := p.overrides.Prepare(configuredOverrides(c))
	if err := errors.Join(filesWrong, locatedWrong, keysWrong, secretsWrong, overridesWrong, checkProduced(c)); err != nil {
		return nil, err
	}
	changing, err := p.updates.prepare(c, files)
	if err != nil {
		return nil, err
	}
	p.announce(located)
	s := &state{config: c, files: files, updates: changing, located: located, keys: keys, cookies: secrets, catalogs: map[lookup.Name]bool{}, overrides: overrides}
	for _, cat := range c.Catalogs {
		s.catalogs[cat.Name] = true
	}
	for _, v := range c.Views {
		authority := authoritative.New(nil) // whose zones assemble gives it
		own := ours{authority: authority, view: v.Name, names: v.Zones}
		served := server.View{Name: v.Name, Clients: v.Clients, Keys: v.Keys, RateLimit: v.RateLimit}
		for _, p := range v.Proxies {
			served.Proxies = append(served.Proxies, server.Proxy{Network: p.Network, Key: p.Key})
		}
		if len(v.Zones) > 0 {
			served.Authoritative = authority
		}
		if leadsOut(located, v) {
			own.aliases, err = p.buildRecursive(c, v, nil)
			if err != nil {
				return nil, fmt.Errorf("view %s: %w", v.Name, err)
			}
		}
		s.ours = append(s.ours, own)
		if v.Recursion {
			recursive, err := p.buildRecursive(c, v, authority.Before)
			if err != nil {
				return nil, fmt.Errorf("view %s: %w", v.Name, err)
			}
			served.Recursive = recursive
			if synthesizes(v.DNS64) {
				o := dns64Options(v.DNS64)
				d, err := dns64.New(served.Recursive, o)
				if err != nil {
					return nil, fmt.Errorf("view %s: dns64: %w", v.Name, err)
				}
				for _, warning := range o.Warnings() {
					p.log.Warn("dns64", "view", v.Name, "problem", warning)
				}
				served.Recursive = d
				s.dns64 = append(s.dns64, namedDNS64{v.Name, d})
			}
		}
		s.served = append(s.served, served)
	}
	return s, nil
}

// use makes s what is served.
func (p *parts) use(s *state) {
	p.updates.replace(s) // which may wait for an update that waits to be served
	p.mutable.Lock()
	defer p.mutable.Unlock()
	p.primary.Rekey(s.keys) // before the copies ask their primaries under them
	p.overrides.Use(s.overrides)
	p.copies.refresh()
	p.succeed(s.config, p.catalogs.configure(s.config))
	p.catalogs.produce(s.config, time.Now())
	p.state.Store(s)
	p.relocate(s)
	p.assemble(s, p.held(s))
}

// loadZones reads every zone file, as many at a time as there are processors. All that
// is wrong in any of them is reported. A zone that was good before stays as it was.
func (p *parts) loadZones(c *config.Config) (map[lookup.Name]*zones.Zone, error) {
	loaded, wrong := make([]*zones.Zone, len(c.Zones)), make([]error, len(c.Zones))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, z := range c.Zones {
		if z.File != "" {
			group.Go(func() error {
				loaded[i], wrong[i] = p.wiring.zone(z)
				return nil
			})
		}
	}
	_ = group.Wait() // what is wrong is in wrong
	held := map[lookup.Name]*zones.Zone{}
	for i, z := range c.Zones {
		if wrong[i] != nil {
			wrong[i] = fmt.Errorf("zone %s: %w", z.Name, wrong[i])
			if loaded[i] = p.lastGood(z); loaded[i] != nil {
				p.log.Error("zone: stays as it was", "zone", z.Name, "serial", loaded[i].Serial(), "error", wrong[i])
				wrong[i] = nil
			}
		} else if loaded[i] != nil {
			for _, problem := range loaded[i].Lint() {
				p.log.Warn("zone", "zone", z.Name, "problem", problem)
			}
		}
		if loaded[i] != nil {
			held[z.Name] = loaded[i]
		}
	}
	return held, errors.Join(wrong...)
}

// lastGood is the zone that was read of the same file before; nil if there is none.
func (p *parts) lastGood(z config.Zone) *zones.Zone {
	s := p.state.Load()
	if s == nil || !slices.ContainsFunc(s.config.Zones, func(was config.Zone) bool { return was.Name == z.Name && was.File == z.File }) {
		return nil
	}
	return s.files[z.Name]
}

func (p *parts) serverOptions(s *state) server.Options {
	c := s.config
	packets := c.Cache.Packets
	if packets == 0 {
		packets = -1 // to the server, 0 is its default and less is none
	}
	return server.Options{
		Crew:          p.crew,
		Views:         s.served,
		Cookies:       cookieOptions(c.Cookies, s.cookies),
		RateLimit:     rateLimit(c.RateLimit),
		Expire:        p.expire,
		Packets:       packets,
		PacketBytes:   packetMemory(c.Cache),
		Order:         order(c.Responses.Order),
		Limits:        limits(c),
		UDPSize:       c.UDP.Size,
		Readers:       c.UDP.Readers,
		Slow:          c.UDP.Slow,
		SlowPerClient: c.UDP.SlowPerClient,
		// One deadline for all that a query needs: DNS64 asks the resolver twice.
		Deadline: c.Resolver.Deadline,
		// The resolver says within its deadline that it has no answer, and the
		// client shall hear it; what is later than that, nobody waits for.
		MaxAge:  c.Resolver.Deadline + time.Second,
		NSID:    c.NSID,
		Version: c.Version,
		Log:     p.log,
		Zones:   among{p.primary, p.updates},

		Secluded:  p.secluded,
		Transfers: server.TransferOptions{Most: c.Transfers.Out, PerClient: c.Transfers.OutPerClient},
		TCP: server.TCPOptions{
			FirstByte:   c.TCP.FirstByte,
			Idle:        c.TCP.Idle,
			Write:       c.TCP.Write,
			InFlight:    c.TCP.InFlight,
			PerClient:   c.TCP.PerClient,
			Connections: c.TCP.Connections,
		},
	}
}

// listen opens all sockets, so that a port that is taken is an error at the
// start.
func (p *parts) listen() error {
	c := p.state.Load().config
	for _, a := range c.Listen {
		if err := p.server.Listen(a); err != nil {
			return fmt.Errorf("cannot listen on %s: %w", a, err)
		}
	}
	if p.metrics != nil {
		if err := p.metrics.Listen(c.Metrics); err != nil {
			return err
		}
	}
	if err := p.listenControl(); err != nil {
		return err
	}
	p.openDrivers(c.XDP)
	return nil
}

// run serves until ctx is done or a part fails, and returns after all of them
// have ended.
func (p *parts) run(ctx context.Context) error {
	if p.root != nil {
		_ = p.root.Load() // so that it serves the first query; what is wrong with it has been logged
	}
	if err := p.updates.open(); err != nil {
		return err
	}
	defer p.updates.close()
	p.move()
	p.copies.load() // likewise
	p.renew()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return p.copies.run(ctx) })
	group.Go(func() error { return p.follow(ctx) })
	group.Go(func() error { return p.primary.Run(ctx) })
	group.Go(func() error { return p.health.Run(ctx) })
	group.Go(func() error { return p.watch(ctx) })
	group.Go(func() error { return p.server.Run(ctx) })
	for _, i := range p.drivers {
		group.Go(func() error { p.followAddresses(ctx, i); return nil })
	}
	if p.root != nil {
		group.Go(func() error { return p.root.Run(ctx) })
	}
	if p.client != nil {
		group.Go(func() error { return p.client.Run(ctx) })
	}
	group.Go(func() error { return p.recurse.Run(ctx) })
	if p.lifeline != nil {
		group.Go(func() error { return p.lifeline.Run(ctx) })
	}
	group.Go(func() error { return p.notifier.Run(ctx) })
	group.Go(func() error { return p.overrides.Run(ctx) })
	if p.anchors != nil {
		group.Go(func() error { return p.anchors.Run(ctx) })
	}
	if p.metrics != nil {
		group.Go(func() error { return p.metrics.Run(ctx) })
	}
	if p.control != nil {
		group.Go(func() error { return p.control.Run(ctx) })
	}
	return errors.Join(group.Wait(), p.closeDrivers())
}
