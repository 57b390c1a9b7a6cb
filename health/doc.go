// Package health checks the addresses that sites serve, and says which of them
// answers may name.
//
// The story in ten lines: a [Check] is what is done to find out, and [Settings] are
// that with its pace, read from the key=value pairs of a $SITE line. A [Target] is one
// address of a site with its check. A [Monitor] is given the set of targets with
// Watch, checks each at once and from then on in its interval, jittered and bounded in
// number (schedule.go, probe.go). A row of results becomes a verdict (verdict.go): a
// target counts as up until fall failures in a row have said otherwise, and comes up
// again after rise successes. Before the targets of a family go down, others are
// asked to witness that it is not the checker that is cut off (uplink.go); if all fail,
// the last state is held for a while. Operators have the last word: up, down, drain
// (admin.go). All of it is published as an immutable [Snapshot], which readers get
// without locks; its epoch changes when answers would. [Status.TTL] is for how long an
// answer should be kept that relies on a state which may change soon.
//
// Standards: RFC 9110 and RFC 9112 (HTTP checks), RFC 8446, RFC 5246 and RFC 9325 4.2
// (TLS 1.3, and 1.2 with the suites that are still recommended), RFC 6125 6.4 (whose
// certificate it is), RFC 792 and RFC 4443 4 (echo). Not here: what an answer is made
// of the states, and what happens when no site is up.
package health
