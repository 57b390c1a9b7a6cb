package dig

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// samples are rdata that make sense in one type or another.
func samples() []string {
	names := "\x01a\x07example\x00"
	return []string{
		"\x00", "\x01", "\x01a", "\x00\x01", "\x00\x01\x02\x03", "\x0a\x0b\x0c\x0d\x0e\x0f", "\x05hello", "\x05hello\x00\x02wo",
		"\x01\x02\x03\x04\x05\x06\x07\x08", "\x00\x05\x01\x02\x03\x04\x05\x06\x07\x08", strings.Repeat("\x01\x23\x45\x67\x89\xab\xcd\xef", 6),
		names, names + names, "\x00\x0a" + names, "\x00\x01" + names + names, "\x00" + names, "\x00\x00\x01\x2c" + names,
		// IPSECKEY (RFC 4025) and AMTRELAY (RFC 8777), with each kind of gateway
		"\x0a\x00\x02key material", "\x0a\x01\x02\xc0\x00\x02\x01key material", "\x0a\x02\x02\x20\x01\x0d\xb8" + strings.Repeat("\x00", 11) + "\x01key",
		"\x0a\x03\x02" + names + "key", "\x0a\x01\x00\xc0\x00\x02\x01", "\x0a\x80", "\x0a\x00", "\x0a\x01\xc0\x00\x02\x01",
		"\x0a\x81\xc0\x00\x02\x01", "\x0a\x02\x20\x01\x0d\xb8" + strings.Repeat("\x00", 11) + "\x01", "\x0a\x83" + names,
		// HIP (RFC 8005): one and two rendezvous servers
		"\x04\x02\x00\x05\x01\x02\x03\x04abcde", "\x04\x02\x00\x05\x01\x02\x03\x04abcde" + names, "\x04\x02\x00\x05\x01\x02\x03\x04abcde" + names + names,
		// APL (RFC 3123)
		"\x00\x01\x18\x03\xc0\x00\x02", "\x00\x01\x18\x83\xc0\x00\x02\x00\x02\x20\x04\x20\x01\x0d\xb8", "\x00\x01\x00\x00", "\x00\x02\x30\x04\x20\x01\x0d\xb8",
		// A6 (RFC 2874), NXT (RFC 2535), NSAP (RFC 1706), ATMA, DOA
		"\x40" + strings.Repeat("\x00", 7) + "\x01" + names, "\x80" + names, names + "\x62\x01\x00\x80",
		"\x47\x00\x05\x80\x00\x5a\x00\x00\x00\x00\x01\xe1\x33\xff\xff\xff\x00\x01\x62\x00", "\x0112025550100",
		"\x00\x00\x00\x01\x00\x00\x00\x02\x03\x04text" + "data",
		// WKS (RFC 1035 3.4.2), SINK, KEY without a key, TKEY, OPT-like, NSEC3 and LOC
		"\xc0\x00\x02\x01\x06\x00\x00\x00\x40", "\xc0\x00\x02\x01\x11" + strings.Repeat("\x00", 6) + "\x04", "\x01\x01\x02data", "\xc1\x00\x03\x08",
		names + "\x00\x00\x00\x01\x00\x00\x00\x02\x00\x03\x00\x00\x00\x04keys\x00\x00",
		"\x00\x12\x13\x16\x80\x00\x00\x00\x80\x00\x00\x00\x00\x98\x96\x80",
		"\x00\x01\x01\x01" + strings.Repeat("\x55", 20), "\x01\x02\x01" + strings.Repeat("\xaa", 32),
		"\x00\x01\x00\x00\x03\x05\x00\x00\x0e\x10\x61\x00\x00\x00\x60\x00\x00\x00\x12\x34" + names + "signature",
		"\x01\x00\x00\x05\x00\x04abcdwxyz", "\x00\x01" + names + "\x00\x01\x00\x03\x02h2", "\x00\x0ahttps://example/", "\x00\x05issueca.example",
		"\x00\x00\x30\x39\x01\x01" + strings.Repeat("\x0f", 48), "\x00\x02\x01" + "hello world",
	}
}

// whole is what a server at that name answers with.
func whole(rdata string) string {
	text := "x" + hex.EncodeToString([]byte(rdata)) // no label is empty
	var labels []string
	for len(text) > 0 {
		n := min(60, len(text))
		labels = append(labels, text[:n])
		text = text[n:]
	}
	return strings.Join(labels, ".") + ".rdata.example"
}

// Every type, known or not, with rdata that may be its own: what the real dig
// prints as an RR we print in the same words. What it takes for nonsense we show
// as octets, so that this is not compared.
func TestRdataOfEveryTypeIsThatOfTheRealDig(t *testing.T) {
	t.Parallel()
	dig := realDig(t)
	s := startServer(t)
	for _, form := range []string{"+nomultiline", "+multiline", "+unknownformat"} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			compared := 0
			for first := uint16(1); first < 270; first += 2 {
				types := []uint16{first, first + 1}
				if first == 265 {
					types = []uint16{32768, 32769, 65280, 1234}
				}
				compared += s.compareRdata(t, dig, form, types)
			}
			if t.Log(compared, "RRs compared"); compared < 1000 {
				t.Errorf("only %d RRs compared", compared)
			}
		})
	}
}

// compareRdata asks for all samples as RRs of some types.
func (s *testServer) compareRdata(t *testing.T, dig, form string, types []uint16) (compared int) {
	t.Helper()
	args := s.all([]string{"+qid=257", "+noall", "+answer", "+norec", form}) // some samples point to the ID
	for _, rtype := range types {
		switch rtype {
		case dns.TypeOPT, dns.TypeTSIG, dns.TypeIXFR, dns.TypeAXFR, dns.TypeANY, dns.TypeMAILA, dns.TypeMAILB:
			continue // no types of data
		case dns.TypeNXNAME: // BIND 9.18 does not know it
			continue
		}
		all := samples()
		if _, ok := layouts[rtype]; !ok && rareLayouts[rtype] == nil {
			all = all[:4] // octets are octets
		}
		for _, rdata := range all {
			args = append(args, "-q", whole(rdata), "-t", fmt.Sprintf("TYPE%d", rtype))
		}
	}
	var theirs, ours, complaints bytes.Buffer
	cmd := exec.Command(dig, args...)
	cmd.Stdout, cmd.Stderr = &theirs, &complaints
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v %s", err, complaints.String())
	}
	if code := Run(context.Background(), args, &ours, &ours, Options{}); code != exitOK {
		t.Fatal(ours.String())
	}
	said := map[string]bool{}
	for _, rr := range answers(ours.String()) {
		said[rr] = true
	}
	for _, rr := range answers(theirs.String()) {
		compared++
		if name := strings.Fields(rr)[0]; !said[rr] && !accepted(rr) {
			t.Errorf("theirs:\n%s\nours:\n%s", rr, among(answers(ours.String()), name, strings.Fields(rr)))
		}
	}
	return compared
}

// accepted are the differences that are left alone.
func accepted(rr string) bool {
	f := strings.Fields(rr)
	switch f[3] {
	case "SSHFP": // BIND leaves out the brackets of a digest without octets
		return len(f) == 6
	case "SIG": // the name of a type that has none is a number, and RRSIG has TYPEnnn
		return f[4] == "353"
	case "NXT": // a pointer to the header as a name, with its flags
		return strings.Contains(rr, `\132\000`)
	case "KEY": // a key of no octets
		return len(f) == 7
	}
	return false
}

// among is the RRs of a name that have the type of an RR that is given in fields.
func among(rrs []string, name string, fields []string) string {
	for _, rr := range rrs {
		if f := strings.Fields(rr); f[0] == name && len(f) > 3 && len(fields) > 3 && f[3] == fields[3] {
			return rr
		}
	}
	return "nothing"
}

// answers are the RRs that were printed, of several lines each when they are.
func answers(text string) []string {
	var rrs []string
	for line := range strings.Lines(text) {
		switch {
		case strings.HasPrefix(line, "\t") && len(rrs) > 0:
			rrs[len(rrs)-1] += line
		case strings.HasPrefix(line, "x"):
			rrs = append(rrs, line)
		}
	}
	return rrs
}
