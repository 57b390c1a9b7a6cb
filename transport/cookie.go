package transport

import (
	"errors"
	"net/netip"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/message"
)

// Sizes of a COOKIE option in octets (RFC 7873 4): a client cookie alone, or with
// a server cookie behind it.
const (
	clientCookie  = 8
	leastCookie   = clientCookie + 8
	largestCookie = clientCookie + 32
)

const (
	// cookieless is for how long a server that does not support cookies gets none
	// (RFC 9018 3).
	cookieless = 5 * time.Minute

	maxCrumbs = 20_000 // servers whose cookies are remembered
)

var (
	errCookie   = errors.New("reply with the cookie of another query")
	errNoCookie = errors.New("reply without a cookie from a server that has sent one before")
)

// jar remembers what servers did with cookies, those that were asked last. It is safe
// for concurrent use.
type jar struct {
	of *lru.Cache[netip.AddrPort, crumb]
}

func newJar() jar {
	of, err := lru.New[netip.AddrPort, crumb](maxCrumbs)
	if err != nil {
		panic(err) // only for a size below 1
	}
	return jar{of}
}

// crumb is what one server did. The zero crumb knows nothing.
type crumb struct {
	cookie  string     // to send to it: ours and behind it the server's; "": a new one of ours
	source  netip.Addr // where that was heard and has to be sent from; not valid while cookie is ""
	proven  bool       // it has sent a cookie; all replies over UDP must have one now
	without time.Time  // until then it is asked without
}

func (j jar) get(server netip.AddrPort) crumb {
	c, _ := j.of.Get(server)
	return c
}

func (j jar) put(server netip.AddrPort, c crumb) { j.of.Add(server, c) }

// bake gives q the cookie to send to server, a new one of ours if there is none.
// Each server gets one of its own, so that none can forge the replies of another
// (RFC 9018 3).
func (c *Client) bake(q *query, server netip.AddrPort) {
	known := c.jar.get(server)
	if c.options.NoCookies || c.options.Now().Before(known.without) {
		return
	}
	q.cookie, q.source, q.demand = known.cookie, known.source, known.proven
	if q.cookie == "" {
		var fresh [clientCookie]byte
		for i := range fresh {
			fresh[i] = q.dice.octet()
		}
		q.cookie = string(fresh[:])
	}
}

// taste reads a COOKIE option of a reply to a query that had one. Of several the
// first counts (RFC 7873 5.3).
func (q *query) taste(o message.Option) error {
	size := len(o.Data)
	switch {
	case q.cookie == "" || q.tasted != "":
		return nil // a server cookie that we have not asked for is nothing to us (CVE-2026-33262)
	case size != clientCookie && (size < leastCookie || size > largestCookie):
		return errCookie
	case o.Data[:clientCookie] != q.cookie[:clientCookie]:
		return errCookie
	}
	q.tasted = o.Data
	return nil
}

// digest remembers the cookie in a reply to q, or that there is none, and tells
// whether the reply counts: a server that wants to see its own cookie first is asked
// again (RFC 7873 5.3), and so is one that seems to choke on ours.
func (c *Client) digest(q *query, server netip.AddrPort, reply *Reply, local func() netip.Addr) verdict {
	switch {
	case q.cookie == "":
	case q.tasted != "":
		if q.tasted != q.cookie {
			if !q.source.IsValid() {
				q.source = local()
			}
			c.jar.put(server, crumb{cookie: strings.Clone(q.tasted), source: q.source, proven: true})
		}
		if reply.Rcode == lookup.BADCOOKIE {
			return unbaked
		}
	default:
		c.jar.put(server, crumb{without: c.options.Now().Add(cookieless)})
		if reply.Rcode == lookup.FORMERR {
			return unbaked
		}
	}
	return accepted
}

// starve notes that a query with a cookie got no reply over UDP. It may be that the
// way to the server from the address that the cookie belongs to is gone: then there
// will be a new cookie, for to send the old one from elsewhere would show others
// who moved (RFC 9018 3). A server that never showed a cookie may dislike ours.
func (c *Client) starve(q *query, server netip.AddrPort) {
	switch {
	case q.cookie == "":
	case q.demand:
		c.jar.put(server, crumb{proven: true})
	default:
		c.jar.put(server, crumb{without: c.options.Now().Add(cookieless)})
	}
}
