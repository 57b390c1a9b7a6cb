package anchors

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
)

// A state file has the format of Unbound's auto-trust-anchor-file, which people and
// unbound-anchor know, with four additions in comments: a first line that says whose
// it is and a last one with a checksum, without which a file that was cut short
// would look whole; the keys that vouched for a new one; and negative anchors.
const (
	madeHere = ";;sextant: 1"
	checksum = ";;sha256: "
)

// Memory is what is kept over a restart.
type Memory struct {
	Points   []Point
	Negative []Negative // those that came at run time
}

// String is the memory as a state file. Points and keys keep their order.
func (m Memory) String() string {
	var b strings.Builder
	b.WriteString("; trust anchors and their history (RFC 5011); do not edit, or delete the next line and the last\n" + madeHere + "\n")
	for _, p := range m.Points {
		b.WriteString(p.String())
	}
	for _, n := range m.Negative {
		fmt.Fprintf(&b, ";;negative: %s %s\n", n.Zone, stamp(n.Until))
	}
	sum := sha256.Sum256([]byte(b.String()))
	b.WriteString(checksum + hex.EncodeToString(sum[:]) + "\n")
	return b.String()
}

// String is the trust point in the format of Unbound.
func (p Point) String() string {
	var b strings.Builder
	b.WriteString("; autotrust trust anchor file\n")
	if p.Deleted() {
		b.WriteString(";;REVOKED\n; All trust anchors of this zone have been revoked, so that nothing secures it by\n" +
			"; itself. To begin anew, configure another trust anchor and delete this file.\n")
	}
	fmt.Fprintf(&b, ";;id: %s 1\n", p.Zone)
	fmt.Fprintf(&b, ";;last_queried: %s\n", stamp(p.Queried))
	fmt.Fprintf(&b, ";;last_success: %s\n", stamp(p.Succeeded))
	fmt.Fprintf(&b, ";;next_probe_time: %s\n", stamp(p.Next))
	fmt.Fprintf(&b, ";;query_failed: %d\n", p.Failed)
	fmt.Fprintf(&b, ";;query_interval: %d\n", p.Interval/time.Second)
	fmt.Fprintf(&b, ";;retry_time: %d\n", p.Retry/time.Second)
	for _, k := range p.Keys {
		fmt.Fprintf(&b, "%s\t%d\tIN\t%s\t%s ;{id = %d} ;;state=%d [%s] ;;count=%d ;;lastchange=%s",
			p.Zone, k.TTL, k.Type, presentation(k.Type, k.Rdata), tagOf(p.Zone, k), k.State, centred(k.State.String()), k.Seen, stamp(k.Changed))
		for i, tag := range k.Signers {
			fmt.Fprintf(&b, "%s%d", [2]string{" ;;signers=", ","}[min(i, 1)], tag)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// stamp is a time as a number and as text.
func stamp(t time.Time) string {
	return fmt.Sprintf("%d ;;%s", seconds(t), time.Unix(seconds(t), 0).UTC().Format(time.ANSIC))
}

// centred is text in the middle of nine columns.
func centred(text string) string {
	left := (9 - len(text)) / 2
	return fmt.Sprintf("%*s%s%*s", left, "", text, 9-len(text)-left, "")
}

// tagOf is the tag of the key as it stands in the file: with its REVOKE bit.
func tagOf(zone lookup.Name, k Key) uint16 {
	if k.Type == lookup.TypeDS {
		return k.ds(zone).Tag
	}
	for _, key := range dnssec.ParseKeys(oneRR(zone, k.Type, k.Rdata)) {
		return key.Tag
	}
	return 0
}

// presentation is rdata that add has found good.
func presentation(t lookup.Type, rdata string) string {
	if len(rdata) < 4 {
		return fmt.Sprintf(`\# %d %x`, len(rdata), rdata)
	}
	first, rest := int(rdata[0])<<8|int(rdata[1]), rdata[4:]
	if t == lookup.TypeDS {
		return fmt.Sprintf("%d %d %d %x", first, rdata[2], rdata[3], rest)
	}
	return fmt.Sprintf("%d %d %d %s", first, rdata[2], rdata[3], base64.StdEncoding.EncodeToString([]byte(rest)))
}

// ParseMemory reads a state file, or a file of Unbound's. name is what errors call
// it. A file with anything wrong in it is wrong as a whole: half a history is worse
// than none.
func ParseMemory(name, text string) (Memory, error) {
	if err := whole(name, text); err != nil {
		return Memory{}, err
	}
	m := &remembering{reader: reader{file: name}}
	o := owners{origin: "."}
	for s := newScanner(text); ; {
		l, ok := s.line()
		if !ok {
			break
		}
		if len(l.words) == 0 && l.fault == "" {
			m.variable(l)
			continue
		}
		if rr, at, ok := m.rr(&o, l); ok {
			m.key(at, rr)
		}
	}
	if len(m.problems) == 0 && len(m.Points) == 0 && !strings.Contains(text, madeHere) {
		m.problem(place{1, 1}, "no trust anchor in this file")
	}
	if len(m.problems) > 0 {
		return Memory{}, errors.Join(m.problems...)
	}
	return m.Memory, nil
}

// whole checks the checksum of a file of ours.
func whole(name, text string) error {
	if !strings.Contains(text, madeHere) {
		return nil // a file of Unbound's, or one that somebody has written
	}
	start := strings.LastIndex(text, "\n"+checksum) + 1
	line := strings.Count(text, "\n") + 1
	if start == 0 || !strings.HasSuffix(text, "\n") {
		return Problem{name, line, 1, "the file ends before its checksum: it is not whole"}
	}
	sum := sha256.Sum256([]byte(text[:start]))
	if text[start:] != checksum+hex.EncodeToString(sum[:])+"\n" {
		return Problem{name, line - 1, 1, "the checksum does not fit: the file was changed"}
	}
	return nil
}

// remembering reads a state file.
type remembering struct {
	reader
	Memory
}

// variable reads a comment line.
func (m *remembering) variable(l line) {
	text, ok := strings.CutPrefix(l.comments, ";;")
	if !ok {
		return
	}
	key, value, ok := strings.Cut(text, ":")
	fields := strings.Fields(value)
	if !ok || len(fields) == 0 {
		return // among them ;;REVOKED, which the keys say, too
	}
	var err error
	switch key {
	case "id":
		var zone lookup.Name
		if zone, err = lookup.ParseName(fields[0]); err == nil {
			if slices.ContainsFunc(m.Points, func(p Point) bool { return p.Zone == zone }) {
				err = errors.New("a zone that was there before")
			}
			m.Points = append(m.Points, Point{Zone: zone})
		}
	case "negative":
		err = m.negative(fields)
	default:
		err = m.number(key, fields[0])
	}
	if err != nil {
		m.problem(l.at, "%s: %v", key, err)
	}
}

func (m *remembering) negative(fields []string) error {
	zone, err := lookup.ParseName(fields[0])
	if err != nil || len(fields) < 2 {
		return errors.Join(err, errors.New("expected a name and a time"))
	}
	until, err := parseNumber(fields[1], maxUnix)
	if err != nil || until == 0 {
		return errors.Join(err, errors.New("a negative anchor without an end"))
	}
	m.Negative = append(m.Negative, Negative{Zone: zone, Until: unix(until)})
	return nil
}

// number reads one of the numbers of a trust point.
func (m *remembering) number(key, text string) error {
	into := map[string]func(*Point, int64){
		"last_queried":    func(p *Point, n int64) { p.Queried = unix(n) },
		"last_success":    func(p *Point, n int64) { p.Succeeded = unix(n) },
		"next_probe_time": func(p *Point, n int64) { p.Next = unix(n) },
		"query_failed":    func(p *Point, n int64) { p.Failed = int(n) },
		"query_interval":  func(p *Point, n int64) { p.Interval = time.Duration(n) * time.Second },
		"retry_time":      func(p *Point, n int64) { p.Retry = time.Duration(n) * time.Second },
	}[key]
	if into == nil {
		return nil // a comment, or something newer
	}
	most := int64(maxUnix)
	if strings.HasPrefix(key, "query_") || key == "retry_time" {
		most = 1<<31 - 1
	}
	n, err := parseNumber(text, most)
	if err != nil {
		return err
	}
	if len(m.Points) == 0 {
		return errors.New("it stands before the id of a zone")
	}
	into(&m.Points[len(m.Points)-1], n)
	return nil
}

// key takes an RR with its history for a key of a trust point.
func (m *remembering) key(at place, rr anchorRR) {
	h, err := parseHistory(rr.comment)
	if err != nil {
		m.problem(at, "the history of the key: %v", err)
		return
	}
	if h.state == Start {
		return // nothing is known of it
	}
	_, err = asDS(rr.zone, rr.t, rr.rdata)
	if errors.Is(err, errRevoked) && !h.state.trusted() && h.state != AddPend {
		err = nil
	}
	if err != nil {
		m.problem(at, "%s %s: %v", rr.zone, rr.t, err)
		return
	}
	k := Key{Type: rr.t, Rdata: rr.rdata, TTL: rr.ttl, State: h.state, Seen: h.seen, Changed: h.changed, Signers: h.signers}
	i := slices.IndexFunc(m.Points, func(p Point) bool { return p.Zone == rr.zone })
	if i < 0 {
		i = len(m.Points)
		m.Points = append(m.Points, Point{Zone: rr.zone})
	}
	if p := &m.Points[i]; slices.ContainsFunc(p.Keys, func(known Key) bool { return known.Type == k.Type && known.plain() == k.plain() }) {
		m.problem(at, "a key that was there before")
	} else {
		p.Keys = append(p.Keys, k)
	}
}
