package resolver

import (
	"fmt"
	"strings"
	"time"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
)

// What those who are curious are told of validation: for each zone on the way from the
// trust anchor down who vouches for it, and for each answer which key has signed it, or
// what denies it.

// tellTrust says how zone stands to the trust anchor.
func (t task) tellTrust(zone lookup.Name, tr *trust, err error) {
	if t.trace == nil {
		return
	}
	e := lookup.Event{Kind: lookup.EventSecurity, Target: zone, Err: err, Text: "its keys cannot be trusted"}
	if err == nil {
		e.Text, e.Count = tr.inWords(), len(tr.keys)
	}
	t.trace.Add(e)
}

// tellKnown is tellTrust for what is in memory, with the keys of all zones that it rests
// on, from the trust anchor down.
func (r *Resolver) tellKnown(t task, tr *trust, now time.Time) {
	if t.trace == nil {
		return
	}
	links := []string{}
	for at, ok := tr, true; ok && len(links) < maxLinks; at, ok = r.trusts.get(at.above, now) {
		if at.grip == secure {
			links = append([]string{at.link()}, links...)
		}
		if at.above == "" {
			break
		}
	}
	text := tr.inWords()
	if tr.grip == secure {
		text = "secure"
	}
	if len(links) > 0 {
		text += ": " + strings.Join(links, " -> ")
	}
	t.trace.Add(lookup.Event{Kind: lookup.EventSecurity, Target: tr.zone, Text: text, Count: len(tr.keys), TTL: tr.expires.Sub(now)})
}

// maxLinks is how many zones of a chain are told.
const maxLinks = 10

// link is tr in a chain of trust.
func (tr *trust) link() string { return tr.zone.String() + " " + keyWords(tr.tag, tr.algorithm) }

// inWords is how far the hold of the trust anchor reaches, and why.
func (tr *trust) inWords() string {
	switch {
	case tr.grip == noCut:
		return "no zone begins here"
	case tr.grip == secure && tr.above == "":
		return "secure: a trust anchor names " + keyWords(tr.tag, tr.algorithm) + ", which has signed its keys"
	case tr.grip == secure:
		return "secure: its DS in " + tr.above.String() + " names " + keyWords(tr.tag, tr.algorithm) + ", which has signed its keys"
	case tr.why.Code != 0:
		return "insecure: " + tr.why.String()
	case tr.above == "":
		return "insecure: no trust anchor counts here"
	}
	return "insecure: it has no DS in " + tr.above.String() + ", which is proven"
}

func keyWords(tag uint16, a dnssec.Algorithm) string { return fmt.Sprintf("key %d %s", tag, a) }

// tellProof says what validation has made of v, an answer to q.
func (t task) tellProof(q lookup.Question, v verdict, err error) {
	if t.trace == nil {
		return
	}
	e := lookup.Event{Kind: lookup.EventSecurity, Name: q.Name, Type: q.Type, Err: err, Text: "insecure"}
	switch {
	case err != nil:
		e.Text = "does not validate"
	case v.security == lookup.Secure:
		e.Text = "secure"
	case v.security == lookup.Unchecked:
		e.Text = "not validated"
	}
	if v.words != "" {
		e.Text += ": " + v.words
	} else if err == nil && len(v.ede) > 0 {
		e.Text += ": " + v.ede[len(v.ede)-1].String()
	}
	t.trace.Add(e)
}

// word adds to what there is to tell of v; nobody else ever looks at it.
func (v *verdict) word(text string) {
	if v.words != "" {
		v.words += "; "
	}
	v.words += text
}

// signedWords tells who has signed s, which is good for what found says.
func signedWords(s lookup.RRset, zone lookup.Name, found dnssec.Result) string {
	text := "signed by " + zone.String() + " with " + keyWords(found.Tag, found.Algorithm)
	if !found.Expires.IsZero() {
		text += " until " + found.Expires.UTC().Format(time.RFC3339)
	}
	if found.Encloser != "" {
		text += ", made from *." + strings.TrimPrefix(found.Encloser.String(), ".")
	}
	if s.Type == lookup.TypeDS {
		for _, ds := range dnssec.ParseDS(s) {
			text += ", names " + keyWords(ds.Tag, ds.Algorithm)
		}
	}
	return text
}

// keysWords lists the keys of a DNSKEY RRset, the first ones of them.
func keysWords(set lookup.RRset) string {
	var words []string
	for _, k := range dnssec.ParseKeys(set) {
		if len(words) == maxLinks {
			words = append(words, "...")
			break
		}
		words = append(words, keyWords(k.Tag, k.Algorithm))
	}
	return "it has " + strings.Join(words, ", ")
}

// deniedWords tells what its NSEC or NSEC3 RRsets, the last of which was found good,
// say of v; encloser is that of a wildcard which v was made from, or "".
func deniedWords(v verdict, zone, encloser lookup.Name, p dnssec.Proof, found dnssec.Result) string {
	text := "there is no such type"
	switch {
	case encloser != "":
		text = "nothing else is as close as the wildcard"
	case v.kind == nameError:
		text = "there is no such name"
	}
	if p.Status == dnssec.Insecure {
		if p.EDE.Code != lookup.EDEOther {
			return p.EDE.String()
		}
		text += ", unless it is unsigned: an opt-out span covers it"
	}
	var by []string
	for _, s := range v.proof {
		by = append(by, s.Type.String()+" "+s.Name.String())
	}
	return text + ", says " + strings.Join(by, ", ") + ", signed by " + zone.String() + " with " + keyWords(found.Tag, found.Algorithm)
}
