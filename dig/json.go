package dig

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// The types of +json. Fields are added to them, and none is renamed or removed.
type (
	jsonMessage struct {
		Server     jsonServer `json:"server"`
		Protocol   string     `json:"protocol"` // UDP, TCP, TLS or HTTPS
		Time       time.Time  `json:"time"`     // when the query was sent
		Elapsed    float64    `json:"milliseconds"`
		Size       int        `json:"size"`
		ID         uint16     `json:"id"`
		Opcode     string     `json:"opcode"`
		Status     string     `json:"status"`
		Flags      []string   `json:"flags"`
		EDNS       *jsonEDNS  `json:"edns,omitempty"`
		Question   []jsonRR   `json:"question"`
		Answer     []jsonRR   `json:"answer"`
		Authority  []jsonRR   `json:"authority"`
		Additional []jsonRR   `json:"additional"`
		TSIG       *jsonTSIG  `json:"tsig,omitempty"`
		Malformed  string     `json:"malformed,omitempty"` // why not all of it could be read
	}
	jsonTSIG struct {
		Key   string `json:"key"`
		Data  string `json:"data"`
		Error string `json:"error,omitempty"` // why it is not valid
	}
	jsonServer struct {
		Address string `json:"address"`
		Port    uint16 `json:"port"`
		Name    string `json:"name"`
	}
	jsonEDNS struct {
		Version uint8        `json:"version"`
		Flags   []string     `json:"flags"`
		UDP     uint16       `json:"udp"`
		Options []jsonOption `json:"options"`
	}
	jsonOption struct {
		Code  uint16 `json:"code"`
		Name  string `json:"name"`
		Value string `json:"value"` // as in the text
		Data  []byte `json:"data"`  // base64
	}
	jsonRR struct {
		Name  string  `json:"name"`
		TTL   *uint32 `json:"ttl,omitempty"`
		Class string  `json:"class"`
		Type  string  `json:"type"`
		Data  *string `json:"data,omitempty"`
	}
	jsonError struct {
		Error string `json:"error"`
	}
)

// jsonReply prints one object on one line.
func (d *dialogue) jsonReply(r *reply) {
	out := jsonMessage{
		Server:   jsonServer{r.server.addr.String(), d.port(), r.server.name},
		Protocol: d.query.protocol(), Time: r.sent.UTC(), Elapsed: float64(r.received.Sub(r.sent).Microseconds()) / 1000,
		Size: len(r.octets), ID: r.id, Opcode: opcodeText(r.opcode()), Status: rcodeText(r.rcode()),
		Flags: []string{}, Question: []jsonRR{},
	}
	for _, f := range headerFlags {
		if r.has(f.bit) {
			out.Flags = append(out.Flags, f.name)
		}
	}
	if r.opt != nil {
		out.EDNS = newJSONEDNS(r.opt)
	}
	for _, q := range r.question {
		out.Question = append(out.Question, jsonRR{Name: lookup.Presentation(q.name), Class: className(q.qclass), Type: typeName(q.qtype)})
	}
	for i, section := range []*[]jsonRR{&out.Answer, &out.Authority, &out.Additional} {
		*section = make([]jsonRR, 0, len(r.sections[i]))
		for _, rr := range r.sections[i] {
			data := r.rdataText(rr, style{})
			*section = append(*section, jsonRR{lookup.Presentation(rr.name), &rr.ttl, className(rr.class), typeName(rr.rtype), &data})
		}
	}
	if r.tsig != nil {
		out.TSIG = &jsonTSIG{Key: lookup.Presentation(r.tsig.name), Data: r.rdataText(*r.tsig, style{})}
	}
	if r.forged != nil && out.TSIG == nil {
		out.TSIG = &jsonTSIG{}
	}
	if r.forged != nil {
		out.TSIG.Error = r.forged.Error()
	}
	if r.err != nil {
		out.Malformed = r.err.Error()
	}
	d.printJSON(out)
}

func newJSONEDNS(o *opt) *jsonEDNS {
	out := &jsonEDNS{Version: o.version, Flags: append([]string{}, strings.Fields(o.flagNames())...), UDP: o.size, Options: []jsonOption{}}
	for _, each := range o.options {
		name, value := each.describe()
		out.Options = append(out.Options, jsonOption{each.code, name, value, each.data})
	}
	return out
}

func (d *dialogue) printJSON(v any) {
	e := json.NewEncoder(d.out)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // the writer keeps its error
}
