package zones

import (
	"bufio"
	"fmt"
	"io"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

// Write writes the zone as a master file (RFC 1035 5): the SOA first, then an RR a line
// in the order of Records, each with its name in full, TTL and class, so that no line
// depends on another. Each is read again before it is written: what people cannot be
// shown without loss is written as if nobody knew its type (RFC 3597 5). Load makes the
// same RRs of it.
func (z *Zone) Write(to io.Writer) error {
	w := bufio.NewWriterSize(to, 1<<16)
	soa := z.SOARecord()
	if err := writeRecord(w, soa); err != nil {
		return err
	}
	for r := range z.Records() {
		if r == soa {
			continue
		}
		if err := writeRecord(w, r); err != nil {
			return err
		}
	}
	return w.Flush()
}

func writeRecord(w io.Writer, r Record) error {
	head := fmt.Sprintf("%s\t%d\tIN\t", r.Name, r.TTL)
	if rr, err := lookup.UnpackRR(r.Name, r.Type, r.TTL, r.Data); err == nil {
		if text := head + r.Type.String() + "\t" + rdataText(rr) + "\n"; reads(text, r) {
			_, err := io.WriteString(w, text)
			return err
		}
	}
	for _, mnemonic := range []string{r.Type.String(), fmt.Sprintf("TYPE%d", r.Type)} {
		if text := head + mnemonic + fmt.Sprintf("\t\\# %d %x\n", len(r.Data), r.Data); reads(text, r) {
			_, err := io.WriteString(w, text)
			return err
		}
	}
	return fmt.Errorf("%s: cannot be written in a way that is read again", about(r.Name, r.Type))
}

// rdataText is an RR as people write it, without its owner, TTL, class and type.
func rdataText(rr dns.RR) string { return rr.String()[len(rr.Header().String()):] }

// reads tells whether a line of a master file is read as that RR.
func reads(line string, want Record) bool {
	rr, err := dns.NewRR(line)
	if err != nil || rr == nil {
		return false
	}
	sortTypes(rr)
	h := rr.Header()
	name, err := lookup.ParseName(h.Name)
	if err != nil {
		return false
	}
	rdata, err := lookup.PackRR(rr)
	return err == nil && !isBare(rr, rdata) && Record{Name: name, Type: lookup.Type(h.Rrtype), TTL: h.Ttl, Data: rdata} == want
}
