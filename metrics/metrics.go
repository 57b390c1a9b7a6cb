package metrics

import (
	"maps"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Exporter turns snapshots into series and serves them. Listen and Run are called
// at most once each; its other methods are safe for concurrent use.
type Exporter struct {
	registry *prometheus.Registry
	listener net.Listener // nil before Listen
}

// New makes the series of the program's version, of what snapshot returns and of
// the Go runtime. snapshot must not be nil; it is called for each request for
// metrics, perhaps for several at once. Nothing is global: every Exporter has a
// registry of its own.
func New(version string, snapshot func() Snapshot) *Exporter {
	e := &Exporter{registry: prometheus.NewRegistry()}
	e.registry.MustRegister(
		&collector{newCatalogue(), version, snapshot},
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return e
}

// Handler serves the series in the formats that Prometheus asks for.
func (e *Exporter) Handler() http.Handler {
	return promhttp.HandlerFor(e.registry, promhttp.HandlerOpts{
		MaxRequestsInFlight: 4,
		Timeout:             10 * time.Second,
	})
}

// collector takes a snapshot whenever Prometheus asks for metrics.
type collector struct {
	catalogue
	version  string
	snapshot func() Snapshot
}

// Describe tells which series there can be.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, s := range c.all() {
		ch <- s.desc
	}
}

// Collect turns a snapshot into series.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	s, out := c.snapshot(), sink{ch}
	out.number(c.buildInfo, 1, c.version, runtime.Version())
	c.server(out, s.Server)
	c.resolver(out, s.Resolver)
	c.validation(out, s.Validation)
	c.subnets(out, s.Resolver.Subnets)
	for _, each := range s.Copies {
		c.copied(out, each)
	}
	c.between(out, s)
	updates := totals{}
	for rcode, n := range s.Updates {
		updates.add(n, rcode)
	}
	out.totals(c.updates, updates)
	synthesized := totals{}
	for _, each := range s.DNS64 {
		synthesized.add(each.Count, each.View, each.Mode)
	}
	out.totals(c.synthesized, synthesized)
	c.geo(out, s.Geo)
	c.health(out, s.Health)
	for _, z := range s.Lifeline {
		c.lifeline(out, z)
	}
	c.drivers(out, s.Drivers)
	c.overrides(out, s.Overrides)
}

func (c *collector) geo(out sink, g Geo) {
	answers := totals{}
	for _, a := range g.Answers {
		answers.add(a.Count, a.Zone, a.Variant)
	}
	out.totals(c.geoAnswers, answers)
	if !g.Used {
		return
	}
	out.count(c.geoMaps, g.Accepted, "accepted")
	out.count(c.geoMaps, g.Refused, "refused")
	out.number(c.geoAge, g.Age.Seconds())
	out.number(c.geoClasses, float64(g.Classes))
	out.number(c.geoBytes, float64(g.Bytes))
}

func (c *collector) drivers(out sink, drivers []Driver) {
	queries, replies, drops := totals{}, totals{}, totals{}
	for _, d := range drivers {
		queue := strconv.Itoa(d.Queue)
		queries.add(d.Queries, d.Interface, queue)
		replies.add(d.Replies, d.Interface, queue)
		for reason, n := range d.Dropped {
			drops.add(n, d.Interface, queue, reason)
		}
	}
	out.totals(c.driven, queries)
	out.totals(c.driverReplies, replies)
	out.totals(c.driverDrops, drops)
}

func (c *collector) server(out sink, s Server) {
	queries, responses, dropped := totals{}, totals{}, totals{}
	limited, cookies := totals{}, totals{}
	for _, q := range s.Queries {
		queries.add(q.Count, q.Proto, typeLabel(q.Type))
		responses.add(q.Count, rcodeLabel(q.Rcode))
	}
	for reason, n := range s.Dropped {
		dropped.add(n, reason)
	}
	for _, l := range s.Limited {
		limited.add(l.Count, l.Kind, l.Sanction)
	}
	for worth, n := range s.Cookies {
		cookies.add(n, worth)
	}
	out.totals(c.limited, limited)
	out.totals(c.cookies, cookies)
	out.totals(c.queries, queries)
	out.totals(c.responses, responses)
	out.totals(c.dropped, dropped)
	out.count(c.packetHits, s.PacketHits)
	out.count(c.packetMisses, s.PacketMisses)
	out.number(c.packets, float64(s.PacketEntries))
	out.number(c.packetBytes, float64(s.PacketBytes))
	out.count(c.panics, s.Panics)
	out.number(c.waiting, float64(s.Waiting))
	out.histogram(c.resolve, s.Resolve)
	out.number(c.connections, float64(s.TCP.Open))
	out.count(c.connectionsTotal, s.TCP.Accepted)
	out.count(c.refused, s.TCP.Refused)
	out.count(c.evicted, s.TCP.Evicted)
}

func (c *collector) resolver(out sink, r Resolver) {
	exchanges := totals{}
	for _, x := range r.Exchanges {
		exchanges.add(x.Count, x.Proto, x.Result)
	}
	out.totals(c.exchanges, exchanges)
	out.count(c.responseHits, r.Hits)
	out.count(c.responseMisses, r.Misses)
	out.number(c.known, float64(r.Entries))
	out.number(c.knownBytes, float64(r.Bytes))
	out.count(c.prefetches, r.Prefetches)
	out.count(c.local, r.Local)
	out.histogram(c.rtt, r.RTT)
}

func (c *collector) validation(out sink, v Validation) {
	judged, bogus, troubles := totals{}, totals{}, totals{}
	for security, n := range v.Answers {
		judged.add(n, security)
	}
	for code, n := range v.Bogus {
		bogus.add(n, strconv.Itoa(int(code)))
	}
	for event, n := range v.Troubles {
		troubles.add(n, event)
	}
	out.totals(c.judged, judged)
	out.totals(c.bogus, bogus)
	out.totals(c.troubles, troubles)
	out.count(c.signatures, v.Signatures)
	out.number(c.negative, float64(v.Negative))
	for _, k := range v.Keys {
		out.number(c.trustKeys, float64(k.Count), k.Zone, k.State)
	}
	for _, p := range v.Points {
		if p.Age >= 0 {
			out.number(c.trustAge, p.Age.Seconds(), p.Zone)
		}
	}
}

func (c *collector) subnets(out sink, s Subnets) {
	withheld := totals{}
	for reason, n := range s.Withheld {
		withheld.add(n, reason)
	}
	out.count(c.told, s.Sent)
	out.totals(c.untold, withheld)
	out.count(c.confirmed, s.Confirms)
	out.count(c.barred, s.Refused)
	out.number(c.scoped, float64(s.Kept))
	out.count(c.unkept, s.Unkept)
}

// between is what other servers have to do with.
func (c *collector) between(out sink, s Snapshot) {
	for _, each := range s.Catalogs {
		used := 0.0
		if each.Used {
			used = 1
		}
		out.number(c.catalogUsed, used, each.Zone)
		out.number(c.members, float64(each.Members), each.Zone)
		out.number(c.clashes, float64(each.Refused), each.Zone)
	}
	transfers, notifies := totals{}, totals{}
	for _, t := range s.Between.Transfers {
		transfers.add(t.Count, t.Direction, t.Type, t.Result)
	}
	for _, n := range s.Between.Notifies {
		notifies.add(n.Count, n.Direction, n.Result)
	}
	out.totals(c.transfers, transfers)
	out.totals(c.notifies, notifies)
}

func (c *collector) copied(out sink, m Copy) {
	used := 0.0
	if m.Used {
		used = 1
	}
	out.number(c.copyUsed, used, m.Zone)
	out.count(c.copyRefreshes, m.Transfers, m.Zone, "transferred")
	out.count(c.copyRefreshes, m.Confirmations, m.Zone, "confirmed")
	out.count(c.copyRefreshes, m.Failures, m.Zone, "failed")
	if m.Held {
		out.number(c.copySerial, float64(m.Serial), m.Zone)
		out.number(c.copyAge, m.Age.Seconds(), m.Zone)
		out.number(c.copyLeft, m.Left.Seconds(), m.Zone)
	}
}

func (c *collector) overrides(out sink, o Overrides) {
	answers := totals{}
	for _, a := range o.Answers {
		answers.add(a.Count, a.Zone, a.Kind)
	}
	out.totals(c.overridden, answers)
	for _, one := range o.All {
		in := 0.0
		if one.InForce {
			in = 1
		}
		out.number(c.overrideOn, in, one.Zone, one.Kind, one.When)
	}
}

// health adds up what is checked in the same way at different paces: the labels are the
// same, and Prometheus wants each series once. It is up if all of them say so.
func (c *collector) health(out sink, h Health) {
	down, all, changes, results := totals{}, totals{}, totals{}, totals{}
	for _, t := range h.Targets {
		labels := []string{t.Site, t.Address, t.Check}
		all.add(1, labels...)
		if !t.Usable {
			down.add(1, labels...)
		}
		changes.add(t.Changes, labels...)
		for result, n := range t.Results {
			results.add(n, append(labels, result)...)
		}
	}
	for labels := range all.sorted() {
		up := 1.0
		if down[strings.Join(labels, "\x00")] > 0 {
			up = 0
		}
		out.number(c.healthUp, up, labels...)
	}
	out.totals(c.healthChanges, changes)
	out.totals(c.checks, results)
	for _, family := range slices.Sorted(maps.Keys(h.Held)) {
		held := 0.0
		if h.Held[family] {
			held = 1
		}
		out.number(c.healthHeld, held, family)
	}
	out.histogram(c.checkTime, h.Took)
}

func (c *collector) lifeline(out sink, z Protected) {
	for _, state := range [...]string{"normal", "suspect", "emergency", "recovering"} {
		out.number(c.lifeState, boolean(z.State == state), z.Zone, state)
	}
	for _, finding := range slices.Sorted(maps.Keys(z.Votes)) {
		out.number(c.lifeVotes, float64(z.Votes[finding]), z.Zone, finding)
	}
	answers, kinds := totals{}, totals{}
	for rung, n := range z.Answers {
		answers.add(n, z.Zone, rung)
	}
	for kind, n := range z.Activations {
		kinds.add(n, z.Zone, kind)
	}
	out.totals(c.lifeAnswers, answers)
	out.totals(c.lifeActive, kinds)
	if z.Age >= 0 {
		out.number(c.lifeAge, z.Age.Seconds(), z.Zone)
	}
	out.number(c.lifePending, boolean(z.Pending), z.Zone)
	out.count(c.lifeUnsaved, z.Unsaved, z.Zone)
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// sink hands values to Prometheus.
type sink struct{ ch chan<- prometheus.Metric }

func (k sink) send(s series, m prometheus.Metric, err error) {
	if err != nil {
		m = prometheus.NewInvalidMetric(s.desc, err)
	}
	k.ch <- m
}

func (k sink) count(s series, n uint64, labels ...string) { k.number(s, float64(n), labels...) }

func (k sink) number(s series, v float64, labels ...string) {
	kind := prometheus.GaugeValue
	if s.kind == "counter" {
		kind = prometheus.CounterValue
	}
	for i, l := range labels {
		labels[i] = strings.ToValidUTF8(l, "?")
	}
	m, err := prometheus.NewConstMetric(s.desc, kind, v, labels...)
	k.send(s, m, err)
}

func (k sink) totals(s series, t totals) {
	for labels, n := range t.sorted() {
		k.count(s, n, labels...)
	}
}

func (k sink) histogram(s series, h Histogram) {
	if len(h.Counts) != len(h.Bounds)+1 {
		return
	}
	buckets, count := map[float64]uint64{}, uint64(0)
	for i, bound := range h.Bounds {
		count += h.Counts[i]
		buckets[bound.Seconds()] = count
	}
	count += h.Counts[len(h.Bounds)]
	m, err := prometheus.NewConstHistogram(s.desc, count, h.Sum.Seconds(), buckets)
	k.send(s, m, err)
}

const other = "other"

// typeLabel is a query type that is common, or other: clients choose types, and
// must not choose how many series there are.
func typeLabel(t string) string {
	return oneOf(t, "A", "NS", "CNAME", "SOA", "PTR", "HINFO", "MX", "TXT", "AAAA", "SRV", "NAPTR", "DNAME", "DS",
		"RRSIG", "NSEC", "DNSKEY", "NSEC3", "TLSA", "SVCB", "HTTPS", "IXFR", "AXFR", "ANY", "CAA")
}

// rcodeLabel is a response code of RFC 1035 4.1.1, RFC 2136 2.2, RFC 6891 9 or
// RFC 7873 8, or other.
func rcodeLabel(r string) string {
	return oneOf(r, "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED",
		"YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE", "BADVERS", "BADCOOKIE")
}

func oneOf(word string, words ...string) string {
	if slices.Contains(words, word) {
		return word
	}
	return other
}
