package anchors

import (
	"errors"
	"fmt"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
)

// Why rdata is no trust anchor.
var (
	errNotAnchor = errors.New("not a DS or DNSKEY")
	errShort     = errors.New("rdata ends too early")
	errNotZone   = errors.New("not a key of a zone: bit 7 of the flags is clear, or the protocol is not 3") // RFC 4034 2.1.1, 2.1.2
	errRevoked   = errors.New("a key that its owner has revoked")                                           // RFC 5011 2.1
)

// digestLength is how many octets a digest of a known type has.
func digestLength(t dnssec.DigestType) (octets int, known bool) {
	switch t {
	case dnssec.SHA1:
		return 20, true
	case dnssec.SHA256:
		return 32, true
	case dnssec.SHA384:
		return 48, true
	}
	return 0, false
}

// asDS reads one RR as a trust anchor in the form of a DS. The error says why it
// cannot be one. Whether it can be checked is the policy's business.
func asDS(zone lookup.Name, t lookup.Type, rdata string) (dnssec.DS, error) {
	switch t {
	case lookup.TypeDS:
		ds := dnssec.ParseDS(oneRR(zone, t, rdata))
		if len(ds) == 0 || ds[0].Digest == "" {
			return dnssec.DS{}, errShort
		}
		if want, known := digestLength(ds[0].Type); known && len(ds[0].Digest) != want {
			return dnssec.DS{}, fmt.Errorf("a digest of %d octets, and type %d has %d", len(ds[0].Digest), ds[0].Type, want)
		}
		return ds[0], nil
	case lookup.TypeDNSKEY:
		key, err := asKey(zone, rdata)
		if err != nil {
			return dnssec.DS{}, err
		}
		if key.IsRevoked() {
			return dnssec.DS{}, errRevoked
		}
		ds, _ := dnssec.DSOf(key, dnssec.SHA256)
		return ds, nil
	}
	return dnssec.DS{}, errNotAnchor
}

// asKey reads DNSKEY rdata that may be that of a trust anchor.
func asKey(zone lookup.Name, rdata string) (dnssec.Key, error) {
	keys := dnssec.ParseKeys(oneRR(zone, lookup.TypeDNSKEY, rdata))
	switch {
	case len(keys) == 0 || len(rdata) < 5:
		return dnssec.Key{}, errShort
	case !keys[0].IsZone():
		return keys[0], errNotZone
	case keys[0].Fault() != "":
		return keys[0], errors.New("the public key: " + keys[0].Fault())
	}
	return keys[0], nil
}

func oneRR(zone lookup.Name, t lookup.Type, rdata string) lookup.RRset {
	return lookup.RRset{Name: zone, Type: t, Data: lookup.PackRdata(rdata)}
}

// unrevoked is DNSKEY rdata with the REVOKE bit clear: what is the same for a key
// before and after its revocation.
func unrevoked(rdata string) string {
	if len(rdata) < 2 || rdata[1]&byte(dnssec.FlagRevoke) == 0 {
		return rdata
	}
	return rdata[:1] + string(rdata[1]&^byte(dnssec.FlagRevoke)) + rdata[2:]
}

// names tells whether ds is the digest of the key that has this rdata, revoked or
// not.
func names(ds dnssec.DS, zone lookup.Name, rdata string) bool {
	keys := dnssec.ParseKeys(oneRR(zone, lookup.TypeDNSKEY, unrevoked(rdata)))
	if len(keys) == 0 || keys[0].Tag != ds.Tag || keys[0].Algorithm != ds.Algorithm {
		return false
	}
	of, ok := dnssec.DSOf(keys[0], ds.Type)
	return ok && of == ds
}
