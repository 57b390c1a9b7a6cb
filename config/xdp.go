package config

import (
	"net/netip"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// XDP is which queries are taken from network drivers, before the sockets of Listen see
// them.
type XDP struct {
	Interfaces []string // whose drivers; each name once
	Mode       XDPMode
	Queues     int // of an interface, the first so many; 0: all
}

// XDPMode is how the program hangs on an interface.
type XDPMode string

// The modes.
const (
	XDPAuto    XDPMode = "auto" // native if the driver can, otherwise generic
	XDPNative  XDPMode = "native"
	XDPGeneric XDPMode = "generic"
)

func (x *XDP) keys() keys {
	return keys{
		"mode":   value(&x.Mode, oneOf(XDPAuto, XDPNative, XDPGeneric)),
		"queues": value(&x.Queues, integer(0, 256)),
	}
}

func (x *XDP) check(d *decoder) {
	if d.given(x) && len(x.Interfaces) == 0 && (x.Mode != XDPAuto || x.Queues != 0) {
		d.report(x, "says nothing without an interface, expected one in listen, such as xdp:eth0")
	}
}

// listener is an entry of listen: an address, or the interface whose driver is
// listened to.
type listener struct {
	at   netip.AddrPort
	link string // "": none
}

// listened reads listen. Interfaces alone stand for all addresses, too.
func (doc *document) listened(d *decoder, n ast.Node) {
	var all []listener
	if text, ok := textOf(n); ok && strings.HasPrefix(text, xdpScheme) {
		all = make([]listener, 1)
		value(&all[0], oneListener)(d, n)
	} else {
		values(&all, oneListener)(d, n)
		if all == nil {
			return // which has been reported
		}
	}
	addresses, first := make([]netip.AddrPort, 0, len(all)+2), map[string]*listener{}
	doc.XDP.Interfaces = nil
	for i := range all {
		l := &all[i]
		switch earlier := first[l.link]; {
		case l.link == "":
			addresses = append(addresses, l.at)
			d.places[&addresses[len(addresses)-1]] = d.places[l]
		case earlier != nil:
			d.report(l, "%s%s was given before, on line %d", xdpScheme, l.link, d.places[earlier].line)
		default:
			first[l.link] = l
			doc.XDP.Interfaces = append(doc.XDP.Interfaces, l.link)
		}
	}
	if len(addresses) == 0 && len(first) > 0 {
		addresses = append(addresses, netip.AddrPortFrom(netip.IPv4Unspecified(), 53), netip.AddrPortFrom(netip.IPv6Unspecified(), 53))
	}
	d.places[&doc.Listen] = placeOf(n)
	doc.Listen = addresses
}

const xdpScheme = "xdp:"

// oneListener reads an endpoint, or the name of an interface after xdp:.
func oneListener(n ast.Node) (l listener, err error) {
	if text, ok := textOf(n); ok && strings.HasPrefix(text, xdpScheme) {
		l.link, err = fromText("the name of a network interface after xdp:, such as xdp:eth0", func(s string) (string, error) {
			name := strings.TrimPrefix(s, xdpScheme)
			if name == "" || len(name) > 15 || strings.ContainsAny(name, "/: \t") || name == "." || name == ".." {
				return "", no(s)
			}
			return name, nil
		})(n)
		return l, err
	}
	l.at, err = endpoint(53)(n)
	return l, err
}
