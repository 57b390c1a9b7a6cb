package config

import (
	"crypto/sha256"
	"net/netip"

	"github.com/goccy/go-yaml/ast"
)

// forwarded reads a zone that is forwarded. Servers without a port get that of their
// transport.
func forwarded(z *Pinned) reader {
	z.Forward, z.Transport, z.TLS.Verify = true, TransportUDP, true
	return func(d *decoder, n ast.Node) {
		object(z, z.forwardKeys(), "name", "servers")(d, n)
		port := uint16(53)
		if z.Transport == TransportTLS {
			port = 853 // RFC 7858 3.1
		}
		for i, server := range z.Servers {
			if server.IsValid() && server.Port() == 0 {
				z.Servers[i] = netip.AddrPortFrom(server.Addr(), port)
			}
		}
	}
}

func (z *Pinned) forwardKeys() keys {
	k := z.keys()
	k["servers"] = values(&z.Servers, endpointOr(53, 0))
	k["transport"] = value(&z.Transport, oneOf(TransportUDP, TransportTCP, TransportTLS))
	k["tls-name"] = value(&z.TLS.Name, text(253))
	k["tls-ca"] = value(&z.TLS.CA, text(4096))
	k["tls-pins"] = values(&z.TLS.Pins, pin)
	k["tls-verify"] = value(&z.TLS.Verify, boolean)
	return k
}

func stub(z *Pinned) reader {
	z.Transport = TransportUDP
	return object(z, z.stubKeys(), "name", "servers")
}

func (z *Pinned) stubKeys() keys {
	k := z.keys()
	k["prime"] = value(&z.Prime, boolean)
	return k
}

func (z *Pinned) keys() keys {
	return keys{
		"name":     value(&z.Name, name),
		"servers":  values(&z.Servers, endpoint(53)),
		"validate": value(&z.Validate, boolean),
		"first":    value(&z.First, boolean),
	}
}

// checkTransport looks for what is of no use as servers are asked.
func (z *Pinned) checkTransport(d *decoder) {
	unique(d, z.TLS.Pins, func(p *[sha256.Size]byte) *[sha256.Size]byte { return p })
	notEmpty(d, &z.TLS.Pins)
	for _, at := range []any{&z.TLS.Name, &z.TLS.CA, &z.TLS.Pins} {
		switch {
		case !d.given(at):
		case z.Transport != TransportTLS:
			d.report(at, "says nothing over %s, expected transport tls beside it", z.Transport)
		case !z.TLS.Verify:
			d.report(at, "says nothing when nothing is verified, expected tls-verify true")
		}
	}
	if d.given(&z.TLS.CA) && z.TLS.Name == "" && len(z.TLS.Pins) > 0 {
		d.report(&z.TLS.CA, "says nothing when the key alone counts, expected tls-name beside it")
	}
	if d.given(&z.TLS.Verify) && z.Transport != TransportTLS {
		d.report(&z.TLS.Verify, "says nothing over %s, expected transport tls beside it", z.Transport)
	}
}
