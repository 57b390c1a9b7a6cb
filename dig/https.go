package dig

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// web is how DNS over HTTPS (RFC 8484) is done. The zero value is not at all.
type web struct {
	path  string // "": there is no HTTP
	plain bool   // without TLS, which BIND offers for servers behind a proxy
	get   bool   // else POST
}

func (w web) on() bool { return w.path != "" }

func (w web) protocol() string {
	switch {
	case w.plain && w.get:
		return "HTTP-GET"
	case w.plain:
		return "HTTP"
	case w.get:
		return "HTTPS-GET"
	}
	return "HTTPS"
}

func httpsOptions() []plusOption {
	set := func(plain, get bool) func(p *parser, q *query, on bool, value string) error {
		return func(_ *parser, q *query, on bool, value string) error {
			if !on {
				q.http = web{}
				return nil
			}
			if value == "" {
				value = "/dns-query" // RFC 8484 4.1.1
			}
			if !strings.HasPrefix(value, "/") {
				return fatal(exitUsage, "the path '%s' does not begin with a slash", value)
			}
			q.http = web{path: value, plain: plain, get: get}
			return nil
		}
	}
	option := func(name string, plain, get bool) plusOption {
		return plusOption{names: []string{name}, value: optional, family: "http", set: set(plain, get)}
	}
	return []plusOption{
		option("https", false, false), option("https-post", false, false), option("https-get", false, true),
		option("http-plain", true, false), option("http-plain-post", true, false), option("http-plain-get", true, true),
	}
}

const mediaType = "application/dns-message" // RFC 8484 6

// webClient is a client that goes to one server, whatever the URL says.
func (d *dialogue) webClient(s server) *http.Transport {
	protocols := new(http.Protocols)
	if d.query.http.plain {
		protocols.SetUnencryptedHTTP2(true)
	} else {
		protocols.SetHTTP2(true) // RFC 8484 5.2: the least version that is good for it
		protocols.SetHTTP1(true)
	}
	return &http.Transport{
		Protocols:       protocols,
		TLSClientConfig: d.query.tls.config(s, nil),
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return d.dialer("tcp").DialContext(ctx, "tcp", d.socket(s))
		},
	}
}

// exchangeHTTP is exchange over HTTP.
func (d *dialogue) exchangeHTTP(ctx context.Context, s server) (*reply, error) {
	limit, cancel := context.WithTimeout(ctx, d.query.timeout)
	defer cancel()
	c := &connection{stream: true}
	octets, err := d.pack(c)
	if err != nil {
		return nil, err
	}
	request, err := d.request(limit, s, octets)
	if err != nil {
		return nil, setupError{err}
	}
	client, done := d.kept.transport(d, s)
	defer done()
	sent := d.Now()
	if d.query.show.sent {
		d.printQuery(s, sent, decode(octets))
	}
	response, err := client.RoundTrip(request)
	if err != nil {
		return nil, setupError{err}
	}
	defer response.Body.Close()
	const most = 0xffff
	body, err := io.ReadAll(io.LimitReader(response.Body, most))
	switch {
	case err != nil:
		return nil, err
	case response.StatusCode != http.StatusOK: // RFC 8484 4.2.1
		return nil, fmt.Errorf("HTTP status %s", response.Status)
	case response.Header.Get("Content-Type") != mediaType:
		return nil, fmt.Errorf("HTTP content type '%s'", response.Header.Get("Content-Type"))
	}
	m := d.accept(body, c.id)
	if m == nil {
		return nil, io.ErrUnexpectedEOF
	}
	return &reply{message: m, server: s, tcp: true, sent: sent, received: d.Now(), forged: d.verify(c, m)}, nil
}

// request is the query as HTTP has it (RFC 8484 4.1).
func (d *dialogue) request(ctx context.Context, s server, octets []byte) (*http.Request, error) {
	host := d.query.tls.hostname
	if host == "" {
		host = s.name
	}
	w := d.query.http
	u := url.URL{Scheme: "https", Host: net.JoinHostPort(strings.Trim(host, "[]"), strconv.Itoa(int(d.port()))), Path: w.path}
	if w.plain {
		u.Scheme = "http"
	}
	method, body := http.MethodPost, octets
	if w.get {
		method, body = http.MethodGet, nil
		u.RawQuery = "dns=" + base64.RawURLEncoding.EncodeToString(octets)
	}
	request, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", mediaType)
	if !w.get {
		request.Header.Set("Content-Type", mediaType)
	}
	return request, nil
}
