package dig

import (
	"fmt"
	"net"
	"net/http"
)

// kept is the connection that +keepopen has for the next query to the same
// server. It is used by one dialogue at a time.
type kept struct {
	where string
	conn  net.Conn        // nil: there is none
	web   *http.Transport // over HTTP; it may be several connections
}

// where tells which queries may share a connection: those to the same place,
// secured in the same way.
func (d *dialogue) where(s server) string {
	t := d.query.tls
	return fmt.Sprint(s, d.port(), d.query.http.on(), d.query.http.plain, t.on, t.verify, t.hostname, t.certificate != nil)
}

// take is the connection for a server, which is not kept any more; nil when there
// is none.
func (k *kept) take(where string) net.Conn {
	if k.conn == nil || k.where != where {
		return nil
	}
	conn := k.conn
	k.conn = nil
	return conn
}

// give keeps a connection instead of the one before.
func (k *kept) give(where string, conn net.Conn) {
	k.close()
	k.where, k.conn = where, conn
}

// transport is an HTTP client for a server, and what to do when the reply was
// read.
func (k *kept) transport(d *dialogue, s server) (client *http.Transport, done func()) {
	where := d.where(s)
	if k.web != nil && k.where == where {
		return k.web, func() {}
	}
	client = d.webClient(s)
	if !d.command.keep {
		return client, client.CloseIdleConnections
	}
	k.close()
	k.where, k.web = where, client
	return client, func() {}
}

func (k *kept) close() {
	if k.conn != nil {
		_ = k.conn.Close()
	}
	if k.web != nil {
		k.web.CloseIdleConnections()
	}
	*k = kept{}
}
