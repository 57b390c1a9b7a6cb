package metrics

import (
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// series is what is known of a metric before it has a value.
type series struct {
	name, help string
	kind       string // counter, gauge or histogram
	labels     []string
	desc       *prometheus.Desc
}

func newSeries(kind, name, help string, labels ...string) series {
	return series{name, help, kind, labels, prometheus.NewDesc(name, help, labels, nil)}
}

// catalogue is every series that there is.
type catalogue struct {
	buildInfo series

	queries, responses                  series
	packetHits, packetMisses, packets   series
	dropped, panics, waiting, resolve   series
	limited, cookies                    series
	connections, connectionsTotal       series
	refused, evicted                    series
	responseHits, responseMisses, known series
	packetBytes, knownBytes, prefetches series
	local                               series
	exchanges, rtt                      series
	judged, bogus, signatures           series
	negative, trustKeys, trustAge       series
	troubles                            series
	copyUsed, copySerial, copyAge       series
	copyLeft, copyRefreshes             series
	members, clashes, catalogUsed       series
	transfers, notifies                 series
	updates                             series
	told, untold, confirmed             series
	barred, scoped, unkept              series
	synthesized                         series
	healthUp, healthChanges, checks     series
	geoAnswers, geoMaps                 series
	geoAge, geoClasses, geoBytes        series
	healthHeld, checkTime               series
	lifeState, lifeVotes, lifeAnswers   series
	lifeAge, lifeActive, lifePending    series
	lifeUnsaved                         series
	overridden, overrideOn              series
	driven, driverReplies, driverDrops  series
}

func newCatalogue() catalogue {
	const counter, gauge, histogram = "counter", "gauge", "histogram"
	c := catalogue{
		buildInfo: newSeries(gauge, "sextant_build_info", "Always 1; the labels tell what is running.", "version", "goversion"),

		queries:      newSeries(counter, "sextant_queries_total", "Queries that were replied to.", "proto", "type"),
		responses:    newSeries(counter, "sextant_responses_total", "Responses to clients.", "rcode"),
		packetHits:   newSeries(counter, "sextant_packet_cache_hits_total", "Queries that a packed response answered."),
		packetMisses: newSeries(counter, "sextant_packet_cache_misses_total", "Queries for which no packed response was at hand."),
		packets:      newSeries(gauge, "sextant_packet_cache_entries", "Packed responses that are remembered."),
		packetBytes:  newSeries(gauge, "sextant_packet_cache_bytes", "Memory that packed responses take."),
		dropped:      newSeries(counter, "sextant_dropped_total", "Messages of clients that got no reply.", "reason"),
		limited:      newSeries(counter, "sextant_rate_limited_total", "Replies over UDP that a rate limit has replaced, by what they would have been and what was sent.", "kind", "sanction"),
		cookies:      newSeries(counter, "sextant_cookies_total", "Queries with a DNS cookie, by whether there was one of ours with it, and whether that was good.", "cookie"),
		panics:       newSeries(counter, "sextant_panics_total", "Queries that broke the program's own code; each was answered with SERVFAIL."),
		waiting:      newSeries(gauge, "sextant_queries_waiting", "Queries that wait for a resolver."),
		resolve:      newSeries(histogram, "sextant_resolve_duration_seconds", "Time from arrival to answer of queries that no packed response answered."),

		connections:      newSeries(gauge, "sextant_tcp_connections", "Connections of clients that are open."),
		connectionsTotal: newSeries(counter, "sextant_tcp_connections_accepted_total", "Connections of clients that were accepted."),
		refused:          newSeries(counter, "sextant_tcp_connections_refused_total", "Connections of clients that were closed at once, because there were too many."),
		evicted:          newSeries(counter, "sextant_tcp_connections_evicted_total", "Idle connections of clients that were closed to make room."),

		driven:        newSeries(counter, "sextant_xdp_queries_total", "Queries that were taken from a network driver and not from a socket; the others count them, too.", "interface", "queue"),
		driverReplies: newSeries(counter, "sextant_xdp_replies_total", "Replies to them that went out by the driver; the rest was sent from sockets, or not at all.", "interface", "queue"),
		driverDrops:   newSeries(counter, "sextant_xdp_dropped_total", "Frames of a network driver that were not looked at or not sent, by a short reason.", "interface", "queue", "reason"),

		responseHits:   newSeries(counter, "sextant_response_cache_hits_total", "Questions that a remembered response of another server answered."),
		responseMisses: newSeries(counter, "sextant_response_cache_misses_total", "Questions for which other servers had to be asked."),
		known:          newSeries(gauge, "sextant_response_cache_entries", "Responses of other servers that are remembered."),
		knownBytes:     newSeries(gauge, "sextant_response_cache_bytes", "Memory that responses, delegations, keys and failures take."),
		prefetches:     newSeries(counter, "sextant_prefetches_total", "Responses of other servers that were fetched anew because they were in use and about to expire."),
		exchanges:      newSeries(counter, "sextant_upstream_exchanges_total", "Messages to other servers, by what came of them.", "proto", "result"),
		rtt:            newSeries(histogram, "sextant_upstream_rtt_seconds", "Time in which other servers replied."),

		judged:     newSeries(counter, "sextant_validated_answers_total", "Answers, by what validation made of them; those of the packet cache are not counted.", "security"),
		bogus:      newSeries(counter, "sextant_validation_failures_total", "Answers that were bogus, by the code of the Extended DNS Error that says why.", "ede"),
		signatures: newSeries(counter, "sextant_signatures_checked_total", "Signatures that were checked, good or bad."),
		negative:   newSeries(gauge, "sextant_negative_trust_anchors", "Negative trust anchors in force: names that are not validated."),
		trustKeys:  newSeries(gauge, "sextant_trust_anchor_keys", "Keys of a zone whose trust anchors are kept up to date, by their state in RFC 5011.", "zone", "state"),
		trustAge:   newSeries(gauge, "sextant_trust_anchor_age_seconds", "Time since the zone has last shown keys that a trust anchor vouches for.", "zone"),
		troubles:   newSeries(counter, "sextant_trust_anchor_troubles_total", "What an operator should hear of trust anchors, by a short word.", "event"),

		local:         newSeries(counter, "sextant_copy_answers_total", "Questions that a copy of a zone answered, so that no server was asked."),
		copyUsed:      newSeries(gauge, "sextant_copy_used", "1 when the copy of the zone is good to be used, 0 when it is not: other servers are asked for the root, and a zone of ours is SERVFAIL.", "zone"),
		copySerial:    newSeries(gauge, "sextant_copy_serial", "Serial of the copy.", "zone"),
		copyAge:       newSeries(gauge, "sextant_copy_age_seconds", "Time since a primary last confirmed the copy.", "zone"),
		copyLeft:      newSeries(gauge, "sextant_copy_left_seconds", "Time until the copy is not used any more if nothing confirms it; below 0 when that is over.", "zone"),
		copyRefreshes: newSeries(counter, "sextant_copy_refreshes_total", "Attempts to refresh the copy, by what came of them.", "zone", "result"),
		updates:       newSeries(counter, "sextant_updates_total", "Dynamic updates of zones of ours (RFC 2136), by what was replied.", "rcode"),

		catalogUsed: newSeries(gauge, "sextant_catalog_used", "1 when the catalog zone is good, 0 when it is broken, has expired or has never come: its members stay as they were.", "zone"),
		members:     newSeries(gauge, "sextant_catalog_members", "Zones that are served because the catalog lists them, or that a catalog of ours lists.", "zone"),
		clashes:     newSeries(gauge, "sextant_catalog_clashes", "Zones that the catalog lists and that are refused, as the configuration or another catalog has the name.", "zone"),
		transfers:   newSeries(counter, "sextant_transfers_total", "Transfers of zones to us and to others.", "direction", "type", "result"),
		notifies:    newSeries(counter, "sextant_notifies_total", "NOTIFYs of servers for the same zones, and to them.", "direction", "result"),

		told:      newSeries(counter, "sextant_ecs_sent_total", "Messages to other servers that told a client's network."),
		untold:    newSeries(counter, "sextant_ecs_withheld_total", "Messages to other servers that told none although it is told in some view, by why.", "reason"),
		confirmed: newSeries(counter, "sextant_ecs_confirmations_total", "Messages to other servers that made sure that an answer is for everyone."),
		barred:    newSeries(counter, "sextant_ecs_refused_total", "Queries of clients that were refused, as their option may not be passed on."),
		scoped:    newSeries(gauge, "sextant_ecs_entries", "Answers for one network that are remembered and have not expired."),
		unkept:    newSeries(counter, "sextant_ecs_unkept_total", "Answers for one network that were not remembered, as their zone or the client had its share already."),

		synthesized: newSeries(counter, "sextant_dns64_synthesized_total", "Responses with AAAA records that were made of A records.", "view", "mode"),

		lifeState:   newSeries(gauge, "sextant_lifeline_state", "1 for the state that the protected zone is in, 0 for the others.", "zone", "state"),
		lifeVotes:   newSeries(gauge, "sextant_lifeline_votes", "Servers of the zone above, by what they said of the protected zone in the last roll-call.", "zone", "finding"),
		lifeAnswers: newSeries(counter, "sextant_lifeline_answers_total", "Answers for names in the protected zone, by the path that they came by: as the parent delegates, or by the delegation that was known.", "zone", "rung"),
		lifeAge:     newSeries(gauge, "sextant_lifeline_confirmed_age_seconds", "Time since a server of the zone above has last confirmed the delegation.", "zone"),
		lifeActive:  newSeries(counter, "sextant_lifeline_activations_total", "Times that the protected zone became suspect or came into an emergency, by what was wrong.", "zone", "kind"),
		lifePending: newSeries(gauge, "sextant_lifeline_pending_change", "1 while a change of the delegation waits for time or for the operator.", "zone"),
		lifeUnsaved: newSeries(counter, "sextant_lifeline_snapshot_write_errors_total", "Times that what is known of the protected zone could not be kept on disk.", "zone"),
		overridden:  newSeries(counter, "sextant_override_answers_total", "Answers of overrides; those of the packet cache are not counted.", "zone", "kind"),
		overrideOn:  newSeries(gauge, "sextant_override_in_force", "1 when the override counts, or would in an outage, and 0 while it is off or broken.", "zone", "kind", "when"),
	}
	c.nameSites()
	return c
}

// nameSites fills in the series of answers by location, and of the health of sites.
func (c *catalogue) nameSites() {
	const counter, gauge, histogram = "counter", "gauge", "histogram"
	c.geoAnswers = newSeries(counter, "sextant_geo_answers_total", "Answers for names that are tailored, by what they were made of; other when there are too many kinds.", "zone", "variant")
	c.geoMaps = newSeries(counter, "sextant_geo_maps_total", "Databases and lists of networks that have changed, by what came of them.", "result")
	c.geoAge = newSeries(gauge, "sextant_geo_map_age_seconds", "Time since the databases and lists in use were read.")
	c.geoClasses = newSeries(gauge, "sextant_geo_map_classes", "Kinds of networks that zones tell apart.")
	c.geoBytes = newSeries(gauge, "sextant_geo_map_bytes", "Memory that the map of networks takes.")

	c.healthUp = newSeries(gauge, "sextant_health_up", "1 when answers may name the address of the site, 0 when it is down or drained.", "site", "addr", "check")
	c.healthChanges = newSeries(counter, "sextant_health_transitions_total", "Changes of the state of an address of a site.", "site", "addr", "check")
	c.checks = newSeries(counter, "sextant_health_checks_total", "Checks that have ended, by what came of them.", "site", "addr", "check", "result")
	c.healthHeld = newSeries(gauge, "sextant_health_held", "1 while states are held, as no check of the address family passes.", "family")
	c.checkTime = newSeries(histogram, "sextant_health_check_duration_seconds", "Time that checks took, also those that failed.")
}

// all is the series in the order of the documentation.
func (c *catalogue) all() []series {
	return []series{
		c.buildInfo,
		c.queries, c.responses, c.packetHits, c.packetMisses, c.packets, c.packetBytes, c.dropped, c.limited, c.cookies, c.panics, c.waiting, c.resolve,
		c.connections, c.connectionsTotal, c.refused, c.evicted,
		c.driven, c.driverReplies, c.driverDrops,
		c.responseHits, c.responseMisses, c.known, c.knownBytes, c.prefetches, c.exchanges, c.rtt,
		c.judged, c.bogus, c.signatures, c.negative, c.trustKeys, c.trustAge, c.troubles,
		c.local, c.copyUsed, c.copySerial, c.copyAge, c.copyLeft, c.copyRefreshes, c.updates,
		c.catalogUsed, c.members, c.clashes, c.transfers, c.notifies,
		c.told, c.untold, c.confirmed, c.barred, c.scoped, c.unkept,
		c.synthesized,
		c.geoAnswers, c.geoMaps, c.geoAge, c.geoClasses, c.geoBytes,
		c.healthUp, c.healthChanges, c.checks, c.healthHeld, c.checkTime,
		c.lifeState, c.lifeVotes, c.lifeAnswers, c.lifeAge, c.lifeActive, c.lifePending, c.lifeUnsaved,
		c.overridden, c.overrideOn,
	}
}

// totals adds up counts by label values.
type totals map[string]uint64

func (t totals) add(n uint64, labels ...string) { t[strings.Join(labels, "\x00")] += n }

// sorted yields the label values and their count, in order.
func (t totals) sorted() iter.Seq2[[]string, uint64] {
	return func(yield func([]string, uint64) bool) {
		for _, key := range slices.Sorted(maps.Keys(t)) {
			if !yield(strings.Split(key, "\x00"), t[key]) {
				return
			}
		}
	}
}
