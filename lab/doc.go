// Package lab is a small Internet in memory: roots, top-level domains and a dozen
// sites, for demonstrations, drills and tests.
//
// The story in ten lines: the master files in testdata/lab are the only source of
// truth. New loads them, looks up the addresses of the servers that each zone's
// NS RRset names, and so knows which address serves which zones; every address
// gets an Authority of its own. [Internet.Exchange] is the road: it delivers a
// transport.Request to the server at an address and brings its Reply, over UDP
// and then TCP when it is too large, with the latency that was asked for. No
// socket is involved, so the addresses can be real ones and no privilege is
// needed. [Internet.Break] makes servers fail in the ways in which servers fail,
// one of them a lie. A [TLD] is another Internet, signed, that is made for the
// troubles of one top-level domain: there are several variants of it, and each server
// answers from one of them. [Try] is a table of things to try, with what comes out when
// DNS64 is off, standard or forced; people read it and tests check it.
//
// Standards: RFC 1034 4.3 (servers), RFC 6891 and RFC 9715 (1232 octets over
// UDP), RFC 7050 8.2 (ipv4only.arpa), RFC 4035 2 (signed zones). Not implemented: EDNS
// Client Subnet.
package lab
