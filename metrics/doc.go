// Package metrics is the only importer of client_golang: events and snapshots
// become Prometheus series.
//
// The story in ten lines: the parts of the program count for themselves, in
// plain numbers, and know nothing of Prometheus. A [Snapshot] is these numbers at
// one moment; whoever wires the program fills it from each part's own. [New]
// makes an [Exporter] of a function that takes snapshots: when Prometheus asks, it
// takes one and turns it into series, so nothing is paid for metrics on the path
// of a query. Every label has few values: query types and response codes that are
// rare stand under "other". [Exporter.Listen] opens an address, [Exporter.Run]
// serves on it. The list of series is catalogue.go, from which
// docs/reference/metrics.md is made.
//
// Standards: the Prometheus text format and its naming rules (promlint). Not
// here: anything that is counted.
package metrics
