package config

import (
	"encoding/base64"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

// Zone is a zone to answer for: of a file of ours, or a copy of what primaries have.
type Zone struct {
	Name lookup.Name
	File string // master file (RFC 1035 5); "": there are Primaries

	Overlay string // .geo file: what some clients hear in place of what File has; "": none

	Primaries   []Server // who transfers it to us
	Store       string   // where the copy is kept for the next start; "": nowhere
	AllowNotify []Peer   // who may say that it has changed, beside the primaries

	ZONEMD ZONEMD // what its digest is worth, of a file or a copy

	AllowTransfer []Peer   // who may have all of it; empty: nobody
	Notify        []Server // who is told when it has changed

	Catalog lookup.Name // that lists it; "": none of ours does
	Groups  []string    // of the member (RFC 9432 4.3.2)

	AllowUpdate []Grant // who may change it while it is served (RFC 2136); empty: nobody
	Journal     string  // where changes are kept; "": no changes are
}

// Grant lets somebody change some of a zone.
type Grant struct {
	Peer
	Names    []lookup.Name // those that may be changed
	Subtrees []lookup.Name // these, too, with all names below them
	Types    []lookup.Type // which may be changed there; empty: every type
}

// Server is a server for zones of ours that we speak to, signed with Key.
type Server struct {
	Address netip.AddrPort
	Key     lookup.Name // "": not signed
}

// Peer is a server for zones of ours that speaks to us.
type Peer struct {
	Network netip.Prefix // where it is; the zero Prefix: anywhere, given the Key
	Key     lookup.Name  // that it must sign with; "": none
}

// Key is a secret that we share with another server (RFC 8945).
type Key struct {
	Name       lookup.Name
	Algorithm  Algorithm
	Secret     []byte
	SecretFile string // file with the secret in base64, in the place of Secret
}

// Algorithm is how messages are signed with a key.
type Algorithm string

// The algorithms of keys.
const (
	AlgorithmSHA1   Algorithm = "hmac-sha1"
	AlgorithmSHA224 Algorithm = "hmac-sha224"
	AlgorithmSHA256 Algorithm = "hmac-sha256"
	AlgorithmSHA384 Algorithm = "hmac-sha384"
	AlgorithmSHA512 Algorithm = "hmac-sha512"
)

func key(k *Key) reader {
	k.Algorithm = AlgorithmSHA256
	return object(k, k.keys(), "name")
}

func (k *Key) keys() keys {
	return keys{
		"name":        value(&k.Name, name),
		"algorithm":   value(&k.Algorithm, oneOf(AlgorithmSHA1, AlgorithmSHA224, AlgorithmSHA256, AlgorithmSHA384, AlgorithmSHA512)),
		"secret":      value(&k.Secret, secret),
		"secret-file": value(&k.SecretFile, text(4096)),
	}
}

// secret reads octets in base64. What it found it does not repeat.
func secret(n ast.Node) ([]byte, error) {
	return fromText("a secret in base64", func(s string) ([]byte, error) {
		octets, err := base64.StdEncoding.DecodeString(s)
		if err != nil || len(octets) == 0 {
			return nil, no("something else")
		}
		return octets, nil
	})(n)
}

func zone(z *Zone) reader {
	z.ZONEMD = ZONEMDCheck
	return object(z, z.keys(), "name")
}

func (z *Zone) keys() keys {
	return keys{
		"name":           value(&z.Name, name),
		"file":           value(&z.File, text(4096)),
		"overlay":        value(&z.Overlay, text(4096)),
		"primaries":      list(&z.Primaries, server),
		"store":          value(&z.Store, text(4096)),
		"allow-notify":   list(&z.AllowNotify, peer),
		"allow-transfer": list(&z.AllowTransfer, peer),
		"notify":         list(&z.Notify, server),
		"zonemd":         value(&z.ZONEMD, oneOf(ZONEMDRequire, ZONEMDCheck, ZONEMDIgnore)),
		"catalog":        value(&z.Catalog, name),
		"groups":         values(&z.Groups, text(255)), // one character string (RFC 1035 3.3)
		"allow-update":   list(&z.AllowUpdate, grant),
		"journal":        value(&z.Journal, text(4096)),
	}
}

// server reads an address with a key, or only the address.
func server(s *Server) reader {
	return func(d *decoder, n ast.Node) {
		if _, alone := textOf(n); alone {
			value(&s.Address, endpoint(53))(d, n)
			return
		}
		object(s, s.keys(), "address")(d, n)
	}
}

func (s *Server) keys() keys {
	return keys{
		"address": value(&s.Address, endpoint(53)),
		"key":     value(&s.Key, name),
	}
}

// peer reads a network, a key, or both, or only the network.
func peer(p *Peer) reader {
	return func(d *decoder, n ast.Node) {
		if _, alone := textOf(n); alone {
			value(&p.Network, network)(d, n)
			return
		}
		object(p, p.keys())(d, n)
		if !d.given(&p.Network) && !d.given(&p.Key) {
			d.report(p, "neither a network nor a key, expected at least one")
		}
	}
}

func (p *Peer) keys() keys {
	return keys{
		"network": value(&p.Network, network),
		"key":     value(&p.Key, name),
	}
}

// grant reads who may change what.
func grant(g *Grant) reader {
	return func(d *decoder, n ast.Node) {
		object(g, g.keys())(d, n)
		if !d.given(&g.Network) && !d.given(&g.Key) {
			d.report(g, "neither a network nor a key, expected at least one")
		}
		notEmpty(d, &g.Names)
		notEmpty(d, &g.Subtrees)
		notEmpty(d, &g.Types)
	}
}

func (g *Grant) keys() keys {
	k := g.Peer.keys()
	k["names"] = values(&g.Names, anyName)
	k["subtrees"] = values(&g.Subtrees, name)
	k["types"] = values(&g.Types, rrType)
	return k
}

// anyName reads a domain name, which may be a wildcard.
func anyName(n ast.Node) (lookup.Name, error) { return fromText("a domain name", lookup.ParseName)(n) }

// rrType reads the mnemonic of a type that zones hold, or TYPEnnn (RFC 3597 5).
func rrType(n ast.Node) (lookup.Type, error) {
	return fromText("an RR type", func(s string) (lookup.Type, error) {
		t, ok := dns.StringToType[strings.ToUpper(s)]
		if number, unknown := strings.CutPrefix(strings.ToUpper(s), "TYPE"); !ok && unknown {
			if v, err := strconv.ParseUint(number, 10, 16); err == nil {
				t, ok = uint16(v), true
			}
		}
		if !ok || t == 0 || t == dns.TypeOPT || t >= 128 && t <= dns.TypeANY {
			return 0, no(s)
		}
		return lookup.Type(t), nil
	})(n)
}

// checkZones sees to it that each zone comes from somewhere, and that the keys that
// are named are there.
func (doc *document) checkZones(d *decoder) {
	unique(d, doc.Zones, func(z *Zone) *lookup.Name { return &z.Name })
	unique(d, doc.Keys, func(k *Key) *lookup.Name { return &k.Name })
	for i := range doc.Keys {
		k := &doc.Keys[i]
		switch {
		case !d.given(&k.Secret) && !d.given(&k.SecretFile):
			d.report(k, `key "secret" is missing, or "secret-file" in its place`)
		case d.given(&k.Secret) && d.given(&k.SecretFile):
			d.report(&k.SecretFile, "says nothing beside a secret, expected one or the other")
		}
	}
	unique(d, doc.Zones, func(z *Zone) *string { return &z.Journal })
	doc.checkFiles(d)
	for i := range doc.Zones {
		doc.Zones[i].check(d)
		doc.checkKeys(d, doc.Zones[i].keysNamed())
	}
}

// checkKeys sees to it that the keys that are named are there.
func (doc *document) checkKeys(d *decoder, named []*lookup.Name) {
	for _, at := range named {
		if *at != "" && !slices.ContainsFunc(doc.Keys, func(k Key) bool { return k.Name == *at }) {
			d.report(at, "no key %s is configured, expected one of those under keys", at)
		}
	}
}

// checkFiles sees to it that a file which may be written is that of one zone.
func (doc *document) checkFiles(d *decoder) {
	for i := range doc.Zones {
		z := &doc.Zones[i]
		shared := slices.ContainsFunc(doc.Zones, func(o Zone) bool { return o.File == z.File && o.Name != z.Name })
		if (len(z.AllowUpdate) > 0 || z.Journal != "") && z.File != "" && shared {
			d.report(&z.File, "is also the file of another zone, expected one of its own for a zone that is changed")
		}
	}
}

func (z *Zone) check(d *decoder) {
	for _, list := range []*[]Server{&z.Primaries, &z.Notify} {
		notEmpty(d, list)
		unique(d, *list, func(s *Server) *netip.AddrPort { return &s.Address })
	}
	if d.given(&z.Overlay) && d.given(&z.Primaries) {
		d.report(&z.Overlay, "lies over a zone of a file, and not over a copy")
	}
	for _, at := range []any{&z.AllowUpdate, &z.Journal} {
		if d.given(&z.Overlay) && d.given(at) { // which is held against the file alone
			d.report(at, "says nothing beside an overlay, under which a zone stays as its file is, expected one or the other")
		}
	}
	switch from := d.given(&z.Primaries); {
	case d.given(&z.File) && from:
		d.report(&z.Primaries, "says nothing beside a file, expected one or the other")
	case !d.given(&z.File) && !from && d.given(&z.Name):
		d.report(z, `key "file" is missing, or "primaries" in its place`)
	case from && d.given(&z.AllowUpdate):
		d.report(&z.AllowUpdate, "says nothing beside primaries, who change the zone, expected a file")
	case from && d.given(&z.Journal):
		d.report(&z.Journal, "says nothing beside primaries, expected a file")
	case from, !d.given(&z.File):
	case d.given(&z.Store):
		d.report(&z.Store, "says nothing beside a file, expected primaries")
	case d.given(&z.AllowNotify):
		d.report(&z.AllowNotify, "says nothing beside a file, expected primaries")
	}
	notEmpty(d, &z.AllowUpdate)
	for i := range z.AllowUpdate {
		g := &z.AllowUpdate[i]
		for _, list := range [][]lookup.Name{g.Names, g.Subtrees} {
			for j := range list {
				if d.given(&z.Name) && list[j] != "" && !list[j].IsSubdomainOf(z.Name) {
					d.report(&list[j], "not in zone %s", z.Name)
				}
			}
		}
	}
}

// keysNamed is where a zone names keys.
func (z *Zone) keysNamed() []*lookup.Name {
	all := keysOf([][]Server{z.Primaries, z.Notify}, [][]Peer{z.AllowNotify, z.AllowTransfer})
	for i := range z.AllowUpdate {
		all = append(all, &z.AllowUpdate[i].Key)
	}
	return all
}

// keysOf is where lists name keys.
func keysOf(servers [][]Server, peers [][]Peer) (all []*lookup.Name) {
	for _, list := range servers {
		for i := range list {
			all = append(all, &list[i].Key)
		}
	}
	for _, list := range peers {
		for i := range list {
			all = append(all, &list[i].Key)
		}
	}
	return all
}
