package secondary

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/zones"
)

// line is an RR as a line of a store, which is one of a master file, too. Addresses
// and names of hosts can be read by people; everything else is written as if nobody
// knew its type (RFC 3597 5), so that whatever a primary sends is read again as it
// came and nothing depends on how a type is presented.
func line(r zones.Record) string {
	t, data := readable(r)
	if t == "" {
		t, data = "TYPE"+strconv.Itoa(int(r.Type)), fmt.Sprintf(`\# %d %x`, len(r.Data), r.Data)
	}
	return fmt.Sprintf("%s\t%d\tIN\t%s\t%s\n", r.Name, r.TTL, t, data)
}

// readable is the type and rdata as people write them; "" when that is not done.
func readable(r zones.Record) (t, data string) {
	switch r.Type {
	case lookup.TypeA, lookup.TypeAAAA:
		if a, ok := netip.AddrFromSlice([]byte(r.Data)); ok && a.Is4() == (r.Type == lookup.TypeA) {
			return r.Type.String(), a.String()
		}
	case lookup.TypeNS, lookup.TypeCNAME:
		if n, err := lookup.WireLen(r.Data); err == nil && n == len(r.Data) {
			return r.Type.String(), lookup.Presentation(r.Data)
		}
	}
	return "", ""
}

var errLine = errors.New("not a line that Sextant has written")

// parseLine reads what line has written.
func parseLine(s string) (zones.Record, error) {
	f := strings.Split(s, "\t")
	if len(f) != 5 || f[2] != "IN" {
		return zones.Record{}, errLine
	}
	name, err := lookup.ParseName(f[0])
	ttl, err2 := strconv.ParseUint(f[1], 10, 31)
	if err != nil || err2 != nil {
		return zones.Record{}, errLine
	}
	r := zones.Record{Name: name, TTL: uint32(ttl)}
	switch f[3] {
	case "A", "AAAA":
		r.Type = lookup.TypeAAAA
		if f[3] == "A" {
			r.Type = lookup.TypeA
		}
		a, err := netip.ParseAddr(f[4])
		if r.Data = string(a.AsSlice()); err != nil || a.Is4() != (f[3] == "A") {
			return r, errLine
		}
	case "NS", "CNAME":
		r.Type = lookup.TypeCNAME
		if f[3] == "NS" {
			r.Type = lookup.TypeNS
		}
		r.Data, err = lookup.ParseNameCase(f[4])
	default:
		r.Type, r.Data, err = parseUnknown(f[3], f[4])
	}
	if err != nil {
		return r, errLine
	}
	return r, nil
}

// parseUnknown reads a type and rdata in the form of RFC 3597 5.
func parseUnknown(mnemonic, data string) (t lookup.Type, rdata string, err error) {
	number, ok := strings.CutPrefix(mnemonic, "TYPE")
	n, err := strconv.ParseUint(number, 10, 16)
	if err != nil || !ok {
		return 0, "", errLine
	}
	length, digits, ok := strings.Cut(strings.TrimPrefix(data, `\# `), " ")
	octets, err := hex.DecodeString(digits)
	if want, err2 := strconv.Atoi(length); err != nil || err2 != nil || !ok || want != len(octets) {
		return 0, "", errLine
	}
	return lookup.Type(n), string(octets), nil
}
