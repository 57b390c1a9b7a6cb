package dig

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// key signs queries (RFC 8945).
type key struct {
	name      string
	algorithm string // as a domain name
	secret    string // base64
}

// newKey checks the parts of a key. A query that somebody wanted to be signed is
// never sent without a signature, so that a wrong key is an error.
func newKey(name, algorithm, secret string) (*key, error) {
	algorithm = dns.Fqdn(strings.ToLower(algorithm))
	switch algorithm {
	case dns.HmacSHA1, dns.HmacSHA224, dns.HmacSHA256, dns.HmacSHA384, dns.HmacSHA512:
	default:
		return nil, fatal(exitUsage, "TSIG algorithm '%s' is not implemented", strings.TrimSuffix(algorithm, "."))
	}
	if _, ok := dns.IsDomainName(name); !ok || name == "" {
		return nil, fatal(exitUsage, "'%s' is not the name of a key", name)
	}
	if _, err := base64.StdEncoding.DecodeString(secret); err != nil || secret == "" {
		return nil, fatal(exitUsage, "the secret of key '%s' is not base64", name)
	}
	return &key{dns.CanonicalName(name), algorithm, secret}, nil
}

// parseKey reads [algorithm:]name:secret.
func parseKey(text string) (*key, error) {
	parts := strings.Split(text, ":")
	if len(parts) == 2 {
		parts = append([]string{"hmac-sha256"}, parts...)
	}
	if len(parts) != 3 {
		return nil, invalid("-y, expected [algorithm:]name:secret", "")
	}
	return newKey(parts[1], parts[0], parts[2])
}

// readKey reads a key clause as tsig-keygen writes it, or one of the two files
// of old: Kname.+163+12345.private.
func (p *parser) readKey(file string) (*key, error) {
	text, err := p.readFile(file)
	if err != nil {
		return nil, fatal(exitUsage, "couldn't read key from %s: %v", file, errors.Unwrap(err))
	}
	const word = `"?([^\s";]+)"?\s*`
	clause := regexp.MustCompile(`(?s)\bkey\s+` + word + `\{(.*?)\}`).FindStringSubmatch(string(text))
	if clause != nil {
		algorithm := regexp.MustCompile(`\balgorithm\s+` + word + `;`).FindStringSubmatch(clause[2])
		secret := regexp.MustCompile(`\bsecret\s+` + word + `;`).FindStringSubmatch(clause[2])
		if algorithm != nil && secret != nil {
			return newKey(clause[1], algorithm[1], secret[1])
		}
	}
	numbers := map[string]string{
		"161": dns.HmacSHA1, "162": dns.HmacSHA224, "163": dns.HmacSHA256, "164": dns.HmacSHA384, "165": dns.HmacSHA512,
	}
	name := regexp.MustCompile(`^K(.*)\.\+(\d+)\+\d+\.private$`).FindStringSubmatch(filepath.Base(file))
	secret := regexp.MustCompile(`(?m)^Key:\s*(\S+)`).FindStringSubmatch(string(text))
	if name != nil && secret != nil {
		return newKey(name[1], numbers[name[2]], secret[1])
	}
	return nil, fatal(exitUsage, "couldn't read key from %s: no key in it", file)
}

// readSmall reads the beginning of a file, which may be a device without an end.
func readSmall(file string) ([]byte, error) {
	const most = 1 << 20
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most))
}

// sign packs m with a signature and returns the MAC, too, which the reply's
// signature covers.
func (k *key) sign(m *dns.Msg, now time.Time) (octets []byte, mac string, err error) {
	const fudge = 300 // RFC 8945 10
	m.SetTsig(k.name, k.algorithm, fudge, now.Unix())
	return dns.TsigGenerate(m, k.secret, "", false)
}

// verify checks the signature of a reply to a query with that MAC. timers says
// that it is a later message of a transfer (RFC 8945 5.3.1).
func (k *key) verify(m *message, mac string, timers bool) error {
	if m.tsig == nil {
		return errors.New("expected a TSIG or SIG(0)")
	}
	r := &rdata{m: m, at: m.tsig.at, end: m.tsig.end}
	if s := newSignature(r); r.bad || s.code != dns.RcodeSuccess {
		return errors.New("tsig indicates error")
	}
	err := dns.TsigVerify(m.octets, k.secret, mac, timers)
	switch {
	case errors.Is(err, dns.ErrTime):
		return errors.New("clocks are unsynchronized")
	case err != nil:
		return errors.New("tsig verify failure")
	}
	return nil
}

// signature is the rdata of a TSIG (RFC 8945 4.2).
type signature struct {
	algorithm string
	signed    uint64
	fudge     int
	mac       []byte
	id, code  int
	other     []byte
}

func newSignature(r *rdata) signature {
	s := signature{algorithm: name(r)}
	s.signed = binary.BigEndian.Uint64(append([]byte{0, 0}, r.take(6)...))
	s.fudge = r.uint16()
	s.mac = r.take(r.uint16())
	s.id, s.code = r.uint16(), r.uint16()
	s.other = r.take(r.uint16())
	return s
}

// signatureText is a TSIG as BIND prints it, with the space for the other data
// even when there is none.
func signatureText(r *rdata) string {
	s := newSignature(r)
	text := fmt.Sprintf("%s %d %d %d ", s.algorithm, s.signed, s.fudge, len(s.mac))
	if len(s.mac) > 0 {
		mac := r.style.chunks(base64.StdEncoding.EncodeToString(s.mac))
		if r.style.multiline {
			mac = "(" + lineBreak + mac + " )"
		}
		text += mac + " "
	}
	return text + fmt.Sprintf("%d %s %d ", s.id, tsigError(s.code), len(s.other)) + r.style.chunks(base64.StdEncoding.EncodeToString(s.other))
}

// tsigError is the name of an error (RFC 8945 3).
func tsigError(code int) string {
	switch code {
	case dns.RcodeBadSig:
		return "BADSIG"
	case dns.RcodeBadKey:
		return "BADKEY"
	case dns.RcodeBadTime:
		return "BADTIME"
	case dns.RcodeBadTrunc:
		return "BADTRUNC"
	}
	if code <= dns.RcodeNotZone {
		return rcodeText(code)
	}
	return strconv.Itoa(code)
}
