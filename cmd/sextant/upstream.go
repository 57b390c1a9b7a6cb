package main

import (
	"crypto/x509"
	"fmt"
	"os"

	"github.com/sextant-dns/sextant/config"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
	"github.com/sextant-dns/sextant/transport"
)

// newClient is who sends what is sent to other servers.
func newClient(r config.Resolver) *transport.Client {
	o := transport.Options{Timeout: r.Timeout, UDPSize: r.UDPSize, NoCase0x20: !r.Case0x20, NoCookies: !r.Cookies}
	for _, source := range r.SourceAddresses {
		if source.Is4() {
			o.Sources4 = append(o.Sources4, source)
		} else {
			o.Sources6 = append(o.Sources6, source)
		}
	}
	return transport.New(o)
}

// resolverZones are the zones for which it is configured whom to ask.
func (p *parts) resolverZones(pinned []config.Pinned) ([]resolver.Zone, error) {
	var all []resolver.Zone
	if p.root != nil {
		all = append(all, localZone(p.root))
	}
	for _, z := range pinned {
		secure, err := pinnedTLS(z)
		if err != nil {
			return nil, fmt.Errorf("forward %s: %w", z.Name, err)
		}
		all = append(all, resolver.Zone{
			Name: z.Name, Servers: z.Servers, Forward: z.Forward, First: z.First, Prime: z.Prime,
			// What the public tree proves about a zone of our own is not what was configured.
			Insecure: !z.Validate && z.Name != lookup.Root,
			TCP:      z.Transport == config.TransportTCP, TLS: secure,
		})
	}
	return all, nil
}

// pinnedTLS is how the servers of z prove who they are; nil without TLS.
func pinnedTLS(z config.Pinned) (*transport.TLS, error) {
	if z.Transport != config.TransportTLS {
		return nil, nil
	}
	t := &transport.TLS{Name: z.TLS.Name, Pins: z.TLS.Pins, NoVerify: !z.TLS.Verify}
	if z.TLS.CA == "" {
		return t, nil
	}
	text, err := os.ReadFile(z.TLS.CA)
	if err != nil {
		return nil, fmt.Errorf("tls-ca: %w", err)
	}
	t.Roots = x509.NewCertPool()
	if !t.Roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("tls-ca: %s: no certificate in it", z.TLS.CA)
	}
	return t, nil
}
