package probe

import (
	"time"

	"github.com/miekg/dns"
	"golang.org/x/net/dns/dnsmessage"
)

// Reply is what a server sent back.
type Reply struct {
	Msg     *dns.Msg // nil when the message cannot be read
	Err     error    // why it cannot
	Octets  int
	TCP     bool
	Took    time.Duration // from the query of the last try to the reply
	Options []Option      // of EDNS, in their order, also when Msg is nil
}

// Option is one option of EDNS, with its data as it came (RFC 6891 6.1.2).
type Option struct {
	Code uint16
	Data string
}

// Find is all options with a code.
func (r *Reply) Find(code uint16) (found []Option) {
	for _, o := range r.Options {
		if o.Code == code {
			found = append(found, o)
		}
	}
	return found
}

// Rcode is the extended one (RFC 6891 6.1.3); -1 when the message cannot be read.
func (r *Reply) Rcode() int {
	if r.Msg == nil {
		return -1
	}
	if opt := r.Msg.IsEdns0(); opt != nil {
		return r.Msg.Rcode&0xf | opt.ExtendedRcode()&^0xf
	}
	return r.Msg.Rcode
}

func read(octets []byte, tcp bool, took time.Duration) *Reply {
	r := &Reply{Octets: len(octets), TCP: tcp, Took: took, Options: options(octets)}
	m := new(dns.Msg)
	if r.Err = m.Unpack(octets); r.Err == nil {
		r.Msg = m
	}
	return r
}

// options reads the options of the first OPT. The parser of whole messages looks into
// options, and gives up where one is wrong, which is what is sought here.
func options(octets []byte) (all []Option) {
	var p dnsmessage.Parser
	if _, err := p.Start(octets); err != nil {
		return nil
	}
	if p.SkipAllQuestions() != nil || p.SkipAllAnswers() != nil || p.SkipAllAuthorities() != nil {
		return nil
	}
	for {
		h, err := p.AdditionalHeader()
		if err != nil {
			return nil
		}
		if h.Type != dnsmessage.TypeOPT {
			if p.SkipAdditional() != nil {
				return nil
			}
			continue
		}
		opt, err := p.OPTResource()
		if err != nil {
			return nil
		}
		for _, o := range opt.Options {
			all = append(all, Option{o.Code, string(o.Data)})
		}
		return all
	}
}
