package health

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Kind is how a check finds out.
type Kind uint8

// The kinds of checks.
const (
	None  Kind = iota // nothing is checked: the target counts as up
	TCP               // a connection can be made
	HTTP              // a request is answered as it should be
	HTTPS             // the same over TLS, with a certificate that is good
	ICMP              // an echo request is replied to
	Exec              // a command exits with 0
	File              // a file says up, down or drain
)

// String is the word that a check begins with.
func (k Kind) String() string {
	return [...]string{"none", "tcp", "http", "https", "icmp", "exec", "file"}[k]
}

// remote says whether k asks something that is reached over the network, so that a
// lost uplink looks like a failure. What a command does is not known, and it most often
// asks the site.
func (k Kind) remote() bool { return k != None && k != File }

// Bounds of what a check may be.
const (
	maxText = 1024     // octets of a check
	maxBody = 64 << 10 // octets of a body in which something is looked for
)

// Check is what is done to find out whether a target is up. The zero Check finds
// nothing out. It is immutable and safe for concurrent use.
type Check struct {
	kind Kind
	port uint16
	path string   // of HTTP the path and query, of File the file
	argv []string // of Exec

	// Of HTTP and HTTPS.
	explicit bool // the port stands in the URL
	host     string
	method   string
	status   []statusRange
	match    string
	pattern  *regexp.Regexp
	ca       string
	insecure bool
}

// statusRange is from one HTTP status to another, both included.
type statusRange struct{ first, last int }

var errCheck = errors.New("want none, tcp:PORT, http://{addr}/PATH, https://{addr}/PATH, icmp, exec:/COMMAND or file:/PATH")

// ParseCheck reads a check:
//
//	none
//	tcp:443
//	http://{addr}:8080/healthz
//	https://{addr}/healthz status=200-299,304 match="all is well" host=www.example.com ca=/etc/ssl/own.pem
//	icmp
//	exec:/usr/lib/site-check --fast {addr} {site}
//	file:/run/site/{site}
//
// {addr} becomes the address of the target and {site} the name of its site. A URL may
// name a host in the place of {addr}: it is the one of the request and of the
// certificate, and what is connected to is the address all the same. Words with spaces
// stand in quotes, single or double. The error says what was expected.
func ParseCheck(text string) (Check, error) {
	if len(text) > maxText {
		return Check{}, fmt.Errorf("a check of %d octets; want at most %d", len(text), maxText)
	}
	words, err := split(text)
	if err != nil {
		return Check{}, err
	}
	if len(words) == 0 {
		return Check{}, errCheck
	}
	scheme, rest, _ := strings.Cut(words[0], ":")
	var c Check
	switch strings.ToLower(scheme) {
	case "none":
		err = alone(words, "none")
	case "icmp":
		c.kind, err = ICMP, alone(words, "icmp")
	case "tcp":
		c.kind = TCP
		if c.port, err = parsePort(rest); err == nil && len(words) > 1 {
			err = fmt.Errorf("%q after tcp:%d; want nothing", words[1], c.port)
		}
	case "http", "https":
		return parseHTTP(words)
	case "exec":
		c.kind, c.argv = Exec, append([]string{rest}, words[1:]...)
		if !strings.HasPrefix(rest, "/") {
			err = fmt.Errorf("command %q; want its absolute path, such as exec:/usr/lib/site-check {addr}", rest)
		}
	case "file":
		c.kind, c.path = File, rest
		switch {
		case !strings.HasPrefix(rest, "/"):
			err = fmt.Errorf("file %q; want its absolute path, such as file:/run/site/fra", rest)
		case len(words) > 1:
			err = fmt.Errorf("%q after the file; want nothing, or quotes around a path with spaces", words[1])
		}
	default:
		err = fmt.Errorf("%q: %w%s", words[0], errCheck, suggest(scheme, "none", "tcp", "http", "https", "icmp", "exec", "file"))
	}
	if err != nil {
		return Check{}, err
	}
	return c, nil
}

func alone(words []string, want string) error {
	if len(words) > 1 || !strings.EqualFold(words[0], want) {
		return fmt.Errorf("%q; want %s and nothing else", strings.Join(words, " "), want)
	}
	return nil
}

func parsePort(text string) (uint16, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("port %q; want 1 to 65535, such as tcp:443", text)
	}
	return uint16(n), nil
}

// parseHTTP reads a URL and the settings after it.
func parseHTTP(words []string) (Check, error) {
	scheme, rest, found := strings.Cut(words[0], "://")
	if !found {
		return Check{}, fmt.Errorf("%q; want a URL, such as https://{addr}/healthz", words[0])
	}
	c := Check{kind: HTTP, port: 80, method: "GET"}
	if strings.EqualFold(scheme, "https") {
		c.kind, c.port = HTTPS, 443
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	if err := c.authority(rest[:end]); err != nil {
		return Check{}, err
	}
	c.path = rest[end:]
	if !strings.HasPrefix(c.path, "/") {
		c.path = "/" + c.path
	}
	if _, err := url.ParseRequestURI(c.path); err != nil || strings.ContainsAny(c.path, "#{} ") {
		return Check{}, fmt.Errorf("path %q; want one as it stands in a URL, without # and {}", c.path)
	}
	seen := map[string]bool{}
	for _, w := range words[1:] {
		key, value, found := strings.Cut(w, "=")
		if !found {
			return Check{}, fmt.Errorf("%q after the URL; want KEY=VALUE", w)
		}
		if seen[key] {
			return Check{}, fmt.Errorf("%s= is given twice", key)
		}
		seen[key] = true
		if err := c.set(key, value); err != nil {
			return Check{}, fmt.Errorf("%s: %w", key, err)
		}
	}
	return c, nil
}

// authority reads the part of a URL that says where.
func (c *Check) authority(text string) error {
	host, port, found := text, "", false
	if i := strings.LastIndexByte(text, ':'); i >= 0 && !strings.HasSuffix(text, "]") {
		host, port, found = text[:i], text[i+1:], true
	}
	if found {
		n, err := parsePort(port)
		if err != nil {
			return err
		}
		c.port, c.explicit = n, true
	}
	if host == "{addr}" {
		return nil
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return fmt.Errorf("host %q is an address; want {addr}, which is each address of the site", host)
	}
	if !isHost(host) {
		return fmt.Errorf("host %q; want {addr} or the name of a host", host)
	}
	c.host = strings.ToLower(host)
	return nil
}

// isHost says whether text is a host name, as far as it matters here: it goes into the
// head of a request.
func isHost(text string) bool {
	if text == "" || len(text) > 253 {
		return false
	}
	for _, r := range text {
		if !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '.' || r == '_') {
			return false
		}
	}
	return true
}

// Kind is how c finds out.
func (c Check) Kind() Kind { return c.kind }

// Local says whether c runs or reads something on this machine: a command, a file, a
// CA. Whoever reads checks from data that came from another machine must refuse those.
func (c Check) Local() bool { return c.kind == Exec || c.kind == File || c.ca != "" }

// String is c in the form that ParseCheck reads, the same for the same check however
// it was written.
func (c Check) String() string {
	switch c.kind {
	case TCP:
		return fmt.Sprintf("tcp:%d", c.port)
	case Exec:
		words := []string{quote("exec:" + c.argv[0])}
		for _, a := range c.argv[1:] {
			words = append(words, quote(a))
		}
		return strings.Join(words, " ")
	case File:
		return quote("file:" + c.path)
	case HTTP, HTTPS:
		return c.httpString()
	}
	return c.kind.String()
}

func (c Check) httpString() string {
	url := c.kind.String() + "://{addr}"
	if c.explicit && c.port != defaultPort(c.kind) {
		url += fmt.Sprintf(":%d", c.port)
	}
	words := []string{quote(url + c.path)}
	add := func(key, value, usual string) {
		if value != usual {
			words = append(words, key+"="+quote(value))
		}
	}
	add("host", c.host, "")
	add("method", c.method, "GET")
	add("status", statusText(c.status), "")
	add("match", c.match, "")
	if c.pattern != nil {
		add("regexp", c.pattern.String(), "")
	}
	add("ca", c.ca, "")
	if c.insecure {
		words = append(words, "insecure=yes")
	}
	return strings.Join(words, " ")
}

func defaultPort(k Kind) uint16 {
	if k == HTTPS {
		return 443
	}
	return 80
}
