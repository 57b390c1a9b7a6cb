// Package geopeers has what it takes to hold Sextant's answers by location against those
// of gdnsd, Knot and PowerDNS: the same map, the same database, and an oracle. It is test
// support: tests and bench/peers import it, the product does not.
//
// The story in ten lines: [Get] is the path of a real country database, which GEO_MMDB
// names or npm fetches; where there is no network, [Made] makes one of about the same
// size. [Read] has its networks. The peers read MaxMind's own layout only
// (continent.code, country.iso_code), so [Write] writes the same networks in that, and all
// servers of a comparison read this one file. A [Plan] says which country hears which
// sites, and writes itself as each server's configuration. An [Oracle] cuts the address
// space at every border that there is, asks one function once for each piece, and joins
// neighbours that are alike: from these spans it says, by counting, what the widest
// prefix around a client is in which all hear the same, and how many of them there are.
//
// The database is geo-whois-asn-country by the Number Resource Organization as the npm
// package @ip-location-db/geo-whois-asn-country-mmdb has it (CC BY 4.0). It is fetched
// for the run and not kept.
//
// Standards: RFC 7871 7.2.1 (what a scope is). The file format is MaxMind DB 2.0.
package geopeers
