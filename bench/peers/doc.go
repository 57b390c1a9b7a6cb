// Command peers measures Sextant beside other DNS resolvers, in one run on one
// machine, and prints one table of ratios. `make bench-peers` runs it.
//
// namespace.go writes a small Internet of three levels, root, TLDs and sites,
// that three NSDs serve on loopback addresses; every resolver gets the same root
// hints. signed.go signs a second one, whose root key is the trust anchor.
// servers.go says with which settings each resolver runs: one thread, on core 0.
// All else, dnsperf and the NSDs, is on core 1. load.go asks: it runs dnsperf and
// takes, from /proc, what the questions have cost the server. experiments.go is
// what is compared: cached answers, cached answers of forced DNS64, by network (subnet.go), cold
// resolution with and without validation, memory. table.go prints. Resolvers are
// measured in turn, in rounds, so that a machine that is slower for a while is slow
// for all of them, and every server is checked for the right answers before its
// figures count.
//
// million.go is apart from these: authoritative servers, Sextant beside Knot DNS and
// NSD, with a zone of a million records, and what reading it and answering from it cost.
// So is saturation.go: the same servers get more questions than they can answer.
// service.go is about how a resolver serves: over TCP, how long answers take, what the
// collection of garbage does to that, what a second core is worth. results.go writes
// all of it into a file, with what the figures are not.
//
// It needs Linux, root (for port 53, on loopback addresses only), two cores, and
// nsd, dnsperf and taskset; resolvers that are not installed are left out. It
// ends what it starts and leaves no files.
//
// Standards: RFC 1035 5 (the zones and the hints), RFC 4034-4035 (signatures),
// RFC 6052 2.2 (the addresses that DNS64 answers are checked against).
package main
