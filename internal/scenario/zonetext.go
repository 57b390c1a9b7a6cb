package scenario

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

// zoneText reads RRs in presentation form, each on a line of its own. Its
// origin and TTL last from one entry of a file to the next.
type zoneText struct {
	origin string
	ttl    uint32
}

// rr reads one RR. The stories contain RRs that are wrong on purpose or that the
// library refuses without need; each of the remedies below is for some of them.
func (z *zoneText) rr(line string) (RR, error) {
	if strings.Contains(line, `\#`) {
		return z.genericRR(line)
	}
	parsed, err := z.parse(line)
	if err == nil {
		return packed(parsed)
	}
	fields := strings.Fields(line)
	switch {
	case slices.Contains(fields, "SOA"): // with an eighth field: the surplus is ignored
		if parsed, err = z.parse(strings.Join(fields[:len(fields)-1], " ")); err == nil {
			return packed(parsed)
		}
	case len(fields) > 1 && fields[1] == "ANY": // a class that RRs do not have
		fields[1] = "IN"
		if parsed, err = z.parse(strings.Join(fields, " ")); err == nil {
			rr, err := packed(parsed)
			rr.Class = lookup.ClassANY
			return rr, err
		}
	}
	return RR{}, err
}

func (z *zoneText) parse(line string) (dns.RR, error) {
	p := dns.NewZoneParser(strings.NewReader(line+"\n"), z.origin, "")
	p.SetDefaultTTL(z.ttl)
	rr, ok := p.Next()
	if err := p.Err(); err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("no RR in %q", line)
	}
	return rr, nil
}

// packed is the RR in wire form, after the remedies.
func packed(parsed dns.RR) (RR, error) {
	switch rr := parsed.(type) {
	case *dns.NSEC:
		slices.Sort(rr.TypeBitMap)
	case *dns.NSEC3:
		slices.Sort(rr.TypeBitMap)
	case *dns.RRSIG:
		// A signature cut short: base64 comes in groups of four.
		rr.Signature = rr.Signature[:len(rr.Signature)/4*4]
	}
	h := parsed.Header()
	name, err := lookup.ParseNameCase(h.Name)
	if err != nil {
		return RR{}, err
	}
	rdata, err := lookup.PackRR(parsed)
	if err != nil {
		return RR{}, err
	}
	return RR{Name: name, Type: lookup.Type(h.Rrtype), Class: lookup.Class(h.Class), TTL: h.Ttl, Rdata: rdata}, nil
}

// genericRR reads an RR with rdata in the form of RFC 3597 5, which here need
// not fit the type: malformed lengths are the point of some stories.
func (z *zoneText) genericRR(line string) (RR, error) {
	head, data, _ := strings.Cut(line, `\#`)
	data, _, _ = strings.Cut(data, ";")
	fields, hexes := strings.Fields(head), strings.Fields(data)
	if len(fields) < 2 || len(hexes) == 0 {
		return RR{}, fmt.Errorf("incomplete RR %q", line)
	}
	name, err := z.name(fields[0])
	if err != nil {
		return RR{}, err
	}
	rr := RR{Name: name, Class: lookup.ClassIN, TTL: z.ttl}
	for _, word := range fields[1 : len(fields)-1] { // TTL and class in any order
		if ttl, err := strconv.ParseUint(word, 10, 32); err == nil {
			rr.TTL = uint32(ttl)
		} else if rr.Class, err = parseClass(word); err != nil {
			return RR{}, err
		}
	}
	if rr.Type, err = parseType(fields[len(fields)-1]); err != nil {
		return RR{}, err
	}
	rdata, err := hex.DecodeString(strings.Join(hexes[1:], ""))
	if err != nil {
		return RR{}, err
	}
	if length, err := strconv.Atoi(hexes[0]); err != nil || length != len(rdata) {
		return RR{}, fmt.Errorf("%d octets of rdata where %q are announced", len(rdata), hexes[0])
	}
	rr.Rdata = string(rdata)
	return rr, nil
}

// name reads a name that may be relative to the origin.
func (z *zoneText) name(text string) (wire string, err error) {
	switch {
	case text == "@":
		text = z.origin
	case !strings.HasSuffix(text, ".") && z.origin != ".":
		text += "." + z.origin
	}
	return lookup.ParseNameCase(text)
}

// question reads a line of the question section: name, perhaps a class and a
// TTL, which means nothing there, and type.
func (z *zoneText) question(line string) (RR, error) {
	line, _, _ = strings.Cut(line, ";")
	fields := strings.Fields(line)
	if len(fields) < 2 || len(fields) > 4 {
		return RR{}, fmt.Errorf("a question is a name, perhaps a class, and a type: %q", line)
	}
	name, err := z.name(fields[0])
	if err != nil {
		return RR{}, err
	}
	q := RR{Name: name, Class: lookup.ClassIN}
	for _, word := range fields[1 : len(fields)-1] {
		if _, err := strconv.ParseUint(word, 10, 32); err == nil {
			continue
		}
		if q.Class, err = parseClass(word); err != nil {
			return RR{}, err
		}
	}
	q.Type, err = parseType(fields[len(fields)-1])
	return q, err
}

// directive obeys $ORIGIN and $TTL.
func (z *zoneText) directive(fields []string) error {
	if len(fields) < 2 {
		return fmt.Errorf("%s without a value", fields[0])
	}
	if fields[0] == "$ORIGIN" {
		wire, err := z.name(fields[1])
		if err != nil {
			return err
		}
		z.origin = lookup.Presentation(wire)
		return nil
	}
	ttl, err := strconv.ParseUint(fields[1], 10, 32)
	if err != nil {
		return err
	}
	z.ttl = uint32(ttl)
	return nil
}

var errMnemonic = errors.New("no such mnemonic")

func parseType(word string) (lookup.Type, error) {
	t, err := mnemonic(word, "TYPE", dns.StringToType)
	return lookup.Type(t), err
}

func parseClass(word string) (lookup.Class, error) {
	c, err := mnemonic(word, "CLASS", dns.StringToClass)
	return lookup.Class(c), err
}

// mnemonic knows the names in known and, after prefix, numbers (RFC 3597 5).
func mnemonic(word, prefix string, known map[string]uint16) (uint16, error) {
	word = strings.ToUpper(word)
	if n, ok := known[word]; ok {
		return n, nil
	}
	if digits, ok := strings.CutPrefix(word, prefix); ok {
		if n, err := strconv.ParseUint(digits, 10, 16); err == nil {
			return uint16(n), nil
		}
	}
	return 0, fmt.Errorf("%w: %q", errMnemonic, word)
}
