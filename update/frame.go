package update

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/zones"
)

// A journal is a line that says what it is, and frames. A frame is its length and two
// checksums, then that many octets: the steps of one write, or at the beginning of the
// file the first version. What a crash leaves in the middle of a write is one frame, the
// last. A journal that was written anew, as a whole, ends with a frame of no steps.
//
//	length of the body   4 octets, big endian
//	CRC-32C of the body  4
//	CRC-32C of the two   4
//	body
const (
	frameHead = 12
	magic     = "Sextant journal 1\n"

	bodyFirst byte = 1 // a version, and which of those that follow the file had
	bodySteps byte = 2
)

var errCut = errors.New("ends in the middle")

// castagnoli is never written.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func appendFrame(dst, body []byte) []byte {
	start := len(dst)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(body)))
	dst = binary.BigEndian.AppendUint32(dst, crc32.Checksum(body, castagnoli))
	dst = binary.BigEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
	return append(dst, body...)
}

// nextFrame is the body of the frame that b begins with, and what follows. ok is false
// when there is no good one.
func nextFrame(b []byte) (body, rest []byte, ok bool) {
	if len(b) < frameHead || crc32.Checksum(b[:8], castagnoli) != binary.BigEndian.Uint32(b[8:]) {
		return nil, nil, false
	}
	n := int64(binary.BigEndian.Uint32(b))
	if n > int64(len(b)-frameHead) {
		return nil, nil, false
	}
	body, rest = b[frameHead:frameHead+n], b[frameHead+n:]
	return body, rest, crc32.Checksum(body, castagnoli) == binary.BigEndian.Uint32(b[4:])
}

// anyFrame tells whether a good frame begins anywhere in b.
func anyFrame(b []byte) bool {
	for ; len(b) >= frameHead; b = b[1:] {
		if _, _, ok := nextFrame(b); ok {
			return true
		}
	}
	return false
}

func appendFirst(dst []byte, apex lookup.Name, c chain) []byte {
	dst = append(append(dst, bodyFirst), apex...)
	dst = appendVersion(dst, c.first)
	return binary.BigEndian.AppendUint32(dst, uint32(c.file))
}

func appendSteps(dst []byte, steps []step) []byte {
	dst = append(dst, bodySteps)
	for _, s := range steps {
		dst = appendVersion(dst, s.to)
		dst = appendRecord(appendRecord(dst, s.From), s.To)
		dst = appendRecords(appendRecords(dst, s.Deleted), s.Added)
	}
	return dst
}

func appendVersion(dst []byte, v version) []byte {
	dst = binary.BigEndian.AppendUint32(dst, v.serial)
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(dst, v.digest[0]), v.digest[1])
}

func appendRecords(dst []byte, rrs []zones.Record) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(rrs)))
	for _, r := range rrs {
		dst = appendRecord(dst, r)
	}
	return dst
}

// appendRecord appends an RR as it stands in messages, without its class.
func appendRecord(dst []byte, r zones.Record) []byte {
	dst = append(dst, r.Name...)
	dst = binary.BigEndian.AppendUint16(dst, uint16(r.Type))
	dst = binary.BigEndian.AppendUint32(dst, r.TTL)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(r.Data)))
	return append(dst, r.Data...)
}

// reader reads what the functions above append. After its first error it gives zeros.
type reader struct {
	b   string
	err error
}

func (r *reader) take(n int) string {
	if r.err != nil || n > len(r.b) {
		r.b, r.err = "", errCut
		return ""
	}
	s := r.b[:n]
	r.b = r.b[n:]
	return s
}

func (r *reader) number(octets int) (n uint64) {
	for _, c := range []byte(r.take(octets)) {
		n = n<<8 | uint64(c)
	}
	return n
}

func (r *reader) name() lookup.Name {
	name, n, err := lookup.NameFromWire(r.b)
	if err != nil {
		r.b, r.err = "", errCut
		return ""
	}
	r.take(n)
	return name
}

func (r *reader) version() version {
	return version{uint32(r.number(4)), digest{r.number(8), r.number(8)}}
}

func (r *reader) record() zones.Record {
	name := r.name()
	t, ttl := lookup.Type(r.number(2)), uint32(r.number(4))
	return zones.Record{Name: name, Type: t, TTL: ttl, Data: r.take(int(r.number(2)))}
}

func (r *reader) records() (rrs []zones.Record) {
	for n := r.number(4); n > 0 && r.err == nil; n-- {
		rrs = append(rrs, r.record())
	}
	return rrs
}

// first reads the body that a journal begins with.
func (r *reader) first(apex lookup.Name) (c chain, file int) {
	if r.take(1) != string(bodyFirst) || r.name() != apex {
		r.err = fmt.Errorf("not the journal of zone %s", apex)
		return c, 0
	}
	c.first = r.version()
	return c, int(r.number(4))
}

// steps reads a body of steps onto a chain, each of which must begin where the one
// before has ended.
func (r *reader) steps(c chain) chain {
	if r.take(1) != string(bodySteps) {
		r.err = errStep
		return c
	}
	for len(r.b) > 0 && r.err == nil {
		to := r.version()
		d := zones.Difference{From: r.record(), To: r.record(), Deleted: r.records(), Added: r.records()}
		if r.err != nil {
			return c
		}
		if d.From.Serial() != c.last().serial {
			r.err = errStep
			return c
		}
		if c = c.extended(d); c.last() != to {
			r.err = errStep
			return c
		}
	}
	return c
}
