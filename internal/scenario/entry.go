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

// Words are the words of MATCH lines.
type Words uint32

// The words, by their meaning.
const (
	matchOpcode Words = 1 << iota
	matchQtype
	matchQname
	matchRcode
	matchQuestion
	matchAnswer
	matchSubdomain
	matchAll
	matchAllNoEDNS
	matchTTL
	matchDO
	matchCO
	matchNoEDNS
	matchEDNSData
	matchClientCookie
	matchServerCookie
	matchUDP
	matchTCP
	matchSerial
	matchEDE
)

// anyEDE is the Entry.EDE of ede=any.
const anyEDE = -1

var matchWords = map[string]Words{
	"opcode": matchOpcode, "qtype": matchQtype, "qname": matchQname, "rcode": matchRcode,
	"question": matchQuestion, "answer": matchAnswer, "subdomain": matchSubdomain,
	"all": matchAll, "all_noedns": matchAllNoEDNS, "ttl": matchTTL,
	"DO": matchDO, "CO": matchCO, "noedns": matchNoEDNS, "ednsdata": matchEDNSData,
	"client_cookie": matchClientCookie, "server_cookie": matchServerCookie, "UDP": matchUDP, "TCP": matchTCP,
}

// Adjustments are what is changed in a scripted packet before it is sent.
type Adjustments struct {
	CopyID             bool
	CopyQuery          bool // put the question of the query in
	CopyScope          bool // the scope of the ECS option becomes its source
	IncrementECSScope  bool
	Sleep, PacketSleep int // seconds; not obeyed, no file uses them
}

// entryParser reads one entry; what it holds is the state between lines.
type entryParser struct {
	*parser
	entry   *Entry
	packet  *Packet
	section int // questionSection or an index of Packet.Sections
	do, co  bool
	edns    *string // the options of HEX_EDNSDATA
}

const questionSection = -1

// entry reads the lines after ENTRY_BEGIN up to ENTRY_END.
func (p *parser) entry() (*Entry, error) {
	e := &entryParser{parser: p, entry: &Entry{Line: p.number}, packet: &Packet{}, section: questionSection}
	for {
		line, err := p.next()
		if err != nil {
			return nil, err
		}
		if line == "" || line[0] == ';' || line[0] == '#' {
			continue
		}
		fields := strings.Fields(line)
		if strings.TrimSuffix(fields[0], ";") == "ENTRY_END" {
			e.endPacket(true)
			return e.entry, nil
		}
		if err := e.line(fields, line); err != nil {
			return nil, err
		}
	}
}

func (e *entryParser) line(fields []string, line string) error {
	words := fields[1:]
	if i := slices.IndexFunc(words, func(w string) bool { return w[0] == ';' || w[0] == '#' }); i >= 0 {
		words = words[:i]
	}
	switch strings.TrimSuffix(fields[0], ";") {
	case "MATCH":
		return each(words, e.match)
	case "REPLY":
		return each(words, e.reply)
	case "ADJUST":
		return each(words, e.adjust)
	case "SECTION":
		return e.startSection(words)
	case "$ORIGIN", "$TTL":
		return e.zone.directive(fields)
	case "EXTRA_PACKET":
		e.endPacket(false)
		return nil
	case "HEX_ANSWER_BEGIN":
		raw, err := e.hexLines("HEX_ANSWER_END")
		e.packet.Raw = raw
		return err
	case "HEX_EDNSDATA_BEGIN":
		raw, err := e.hexLines("HEX_EDNSDATA_END")
		data := string(raw)
		e.edns = &data
		return err
	}
	return e.record(line)
}

func each(words []string, f func(string) error) error {
	for _, w := range words {
		if err := f(w); err != nil {
			return err
		}
	}
	return nil
}

func (e *entryParser) match(word string) error {
	if w, ok := matchWords[word]; ok {
		e.entry.Match |= w
		return nil
	}
	i := strings.IndexAny(word, "=:")
	if i < 0 {
		return fmt.Errorf("no MATCH word: %q", word)
	}
	name, value := word[:i], word[i+1:]
	n, err := strconv.ParseUint(value, 10, 32)
	switch {
	case name == "ede" && value == "any":
		e.entry.Match |= matchEDE
		e.entry.EDE = anyEDE
		return nil
	case name == "ede":
		e.entry.Match |= matchEDE
		e.entry.EDE = int(n)
		return err
	case name == "serial":
		e.entry.Match |= matchSerial
		e.entry.Serial = uint32(n)
		return err
	}
	return fmt.Errorf("no MATCH word: %q", word)
}

// reply takes one word of a REPLY line; the last opcode and the last rcode win.
func (e *entryParser) reply(word string) error {
	h := &e.packet.Header
	for _, f := range headerFlags(h) {
		if f.name == word {
			*f.on = true
			return nil
		}
	}
	switch word {
	case "DO":
		e.do = true
		return nil
	case "CO":
		e.co = true
		return nil
	case "NOTIMPL":
		h.Rcode = lookup.NOTIMP
		return nil
	}
	if opcode, ok := dns.StringToOpcode[word]; ok {
		h.Opcode = uint8(opcode)
		return nil
	}
	if rcode, ok := dns.StringToRcode[word]; ok && rcode < 16 {
		h.Rcode = lookup.Rcode(rcode)
		return nil
	}
	return fmt.Errorf("no REPLY word: %q", word)
}

func (e *entryParser) adjust(word string) (err error) {
	a := &e.entry.Adjust
	name, value, _ := strings.Cut(word, "=")
	switch name {
	case "copy_id":
		a.CopyID = true
	case "copy_query":
		a.CopyQuery = true
	case "copy_ednsdata_assume_clientsubnet":
		a.CopyScope = true
	case "increment_ecs_scope":
		a.IncrementECSScope = true
	case "sleep":
		a.Sleep, err = strconv.Atoi(value)
	case "packet_sleep":
		a.PacketSleep, err = strconv.Atoi(value)
	default:
		err = fmt.Errorf("no ADJUST word: %q", word)
	}
	return err
}

func (e *entryParser) startSection(words []string) error {
	if len(words) != 1 {
		return errors.New("SECTION takes one word")
	}
	switch words[0] {
	case "QUESTION":
		e.section = questionSection
	case "ANSWER":
		e.section = Answer
	case "AUTHORITY":
		e.section = Authority
	case "ADDITIONAL":
		e.section = Additional
	default:
		return fmt.Errorf("no section: %q", words[0])
	}
	return nil
}

func (e *entryParser) record(line string) error {
	if e.section == questionSection {
		q, err := e.zone.question(line)
		e.packet.Question = append(e.packet.Question, q)
		return err
	}
	rr, err := e.zone.rr(line)
	e.packet.Sections[e.section] = append(e.packet.Sections[e.section], rr)
	return err
}

// endPacket finishes a packet. Only the last one of an entry gets an OPT.
func (e *entryParser) endPacket(last bool) {
	if last && (e.do || e.co || e.edns != nil) {
		e.packet.OPT = &OPT{Size: 1232, DO: e.do, CO: e.co}
		if e.edns != nil {
			e.packet.OPT.Data = *e.edns
		}
	}
	e.entry.Packets = append(e.entry.Packets, *e.packet)
	e.packet, e.section = &Packet{}, questionSection
}

// hexLines reads hex digits up to the line end; blanks and comments do not
// count, and an odd digit is followed by a 0.
func (e *entryParser) hexLines(end string) ([]byte, error) {
	var digits strings.Builder
	for {
		line, err := e.next()
		if err != nil {
			return nil, err
		}
		if strings.TrimSuffix(line, ";") == end {
			break
		}
		if i := strings.IndexAny(line, ";#"); i >= 0 {
			line = line[:i]
		}
		digits.WriteString(strings.Join(strings.Fields(line), ""))
	}
	if digits.Len()%2 == 1 {
		digits.WriteByte('0')
	}
	raw, err := hex.DecodeString(digits.String())
	if raw == nil {
		raw = []byte{}
	}
	return raw, err
}
