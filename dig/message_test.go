package dig

import (
	"bufio"
	"io"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// shown is a message in the long form with everything in it.
func shown(m *message) string {
	q := newQuery()
	q.edns.client = make([]byte, 8)
	d := &dialogue{command: &command{}, query: q, out: bufio.NewWriter(io.Discard)}
	var b strings.Builder
	d.printMessage(&b, m, ";; Got answer:")
	return b.String()
}

func TestNonsenseInsideAnRRIsPrintedAsOctets(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rtype uint16
		rdata string
		want  string
	}{
		{dns.TypeA, "\x01\x02\x03", `\# 3 010203`},
		{dns.TypeMX, "\x00\x0a", `\# 2 000A`},
		{dns.TypeMX, "\x00\x0a\x03abc", `\# 6 000A03616263`},
		{dns.TypeTXT, "\x05abc", `\# 4 05616263`},
		{dns.TypeSOA, "\x00\x00", `\# 2 0000`},
		{dns.TypeNSEC, "\x00\x00\x21", `\# 3 000021`},
		{dns.TypeHTTPS, "\x00\x01\x00\x00\x03\x00\x01\x00", `\# 8 0001000003000100`},
		{dns.TypeLOC, "\x01", `\# 1 01`},
		{dns.TypeCAA, "\x00\x03a b", `\# 5 0003612062`},
		{dns.TypeA, "", `\# 0`},
	} {
		octets := append(make([]byte, headerLen), c.rdata...)
		m := &message{octets: octets}
		if got := m.rdataText(rr{rtype: c.rtype, at: headerLen, end: len(octets)}, style{}); got != c.want {
			t.Errorf("%s %x: %s, want %s", dns.Type(c.rtype), c.rdata, got, c.want)
		}
	}
}

func TestLoopsOfPointersEnd(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		"\xc0\x0c\x00\x01\x00\x01",      // to itself
		"\x01a\xc0\x0c\x00\x01\x00\x01", // to its own beginning
		"\xc0\x20\x00\x01\x00\x01",      // forwards
		strings.Repeat("\x3f"+strings.Repeat("a", 63), 5) + "\x00\x00\x01\x00\x01", // too long
		"\x40\x00\x00\x01\x00\x01", // no kind of label that exists
	} {
		m := decode([]byte("\x00\x01\x80\x00\x00\x01\x00\x00\x00\x00\x00\x00" + body))
		if m.err == nil || len(m.question) != 0 || m.extra != len(body) {
			t.Errorf("%q: %+v", body, m)
		}
	}
}

// Whatever the octets are, what is shown is printable, and what a library writes
// can be read to its end.
func FuzzDecode(f *testing.F) {
	s := startServer(f)
	for _, rr := range s.rrs {
		m := new(dns.Msg)
		m.SetQuestion(rr.Header().Name, rr.Header().Rrtype)
		m.Response, m.Answer, m.Ns, m.Compress = true, []dns.RR{rr, rr}, []dns.RR{s.rrs[0]}, true
		m.SetEdns0(1232, true)
		if octets, err := m.Pack(); err == nil {
			f.Add(octets)
		}
	}
	f.Fuzz(func(t *testing.T, octets []byte) {
		if len(octets) < headerLen {
			return
		}
		m := decode(octets)
		text := shown(m)
		if i := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && r != '\t' && (r < ' ' || r > '~') }); i >= 0 {
			t.Fatalf("unprintable in %q", text[i:])
		}
		var library dns.Msg
		if library.Unpack(octets) != nil {
			return
		}
		written, err := library.Pack()
		if err != nil {
			return
		}
		m = decode(written)
		read := len(m.sections[0]) + len(m.sections[1]) + len(m.sections[2])
		if m.opt != nil {
			read++
		}
		if m.tsig != nil {
			read++
		}
		if want := len(library.Answer) + len(library.Ns) + len(library.Extra); m.err != nil || m.extra != 0 || read != want {
			t.Fatalf("read %d RRs of %d, %v, %d octets left over", read, want, m.err, m.extra)
		}
	})
}
