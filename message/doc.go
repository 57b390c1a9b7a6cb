// Package message turns DNS messages into lookup values and back.
//
// The story in ten lines: [Decode] goes through a message once. It lays names
// and rdata down uncompressed, sorts the RRs into RRsets section by section, and
// returns a [Message] whose strings share one piece of memory. How rdata is built
// is a table with a line for each type (rdata.go); a type that is not in it is
// opaque. [AppendResponse] writes a [lookup.Response] with compressed names and
// tells in a [Layout] where sections and TTLs stand, so that whoever keeps the
// packet can cut and age it in place. [AppendQuery] and [AppendOPT] write what is
// left. [DecodeRecords] reads zone transfers, RR by RR and in their order. A message from the network is hostile: pointers only lead back, and the
// octets that names may touch, the RRs, the options and the names that
// compression remembers are all counted.
//
// Standards: RFC 1035 4 (messages), RFC 2181 5, 8 and 9 (RRsets, TTL, TC),
// RFC 2136 2 (RRs of an UPDATE, as they stand), RFC 3597 3 and 4 (unknown types, compression inside rdata), RFC 4035 3.2.1
// (DNSSEC records only on demand), RFC 4343 (letter case), RFC 6891 6 (OPT),
// RFC 8914 2 (one option). Not implemented: classes other than IN beyond the
// question, TSIG and SIG(0); what options other than that say.
package message
