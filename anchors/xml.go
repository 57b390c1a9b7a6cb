package anchors

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// keyDigest is one trust anchor of IANA's file (RFC 9718 2.1.1).
type keyDigest struct {
	ValidFrom  string `xml:"validFrom,attr"`
	ValidUntil string `xml:"validUntil,attr"`
	KeyTag     string
	Algorithm  string
	DigestType string
	Digest     string
}

// xml reads IANA's file. Where its signature is, and that it was checked, is
// beyond what a program does that starts a name server.
func (r *reader) xml(text string, now time.Time) {
	d := xml.NewDecoder(strings.NewReader(text))
	zone := lookup.Name("")
	for {
		t, err := d.Token()
		at := place{}
		at.line, at.column = d.InputPos()
		switch {
		case errors.Is(err, io.EOF):
			return
		case err != nil:
			r.problem(at, "%v", err)
			return
		}
		start, ok := t.(xml.StartElement)
		if !ok {
			continue
		}
		switch start.Name.Local {
		case "TrustAnchor":
		case "Zone":
			var name string
			if err = d.DecodeElement(&name, &start); err == nil {
				zone, err = lookup.ParseName(strings.TrimSpace(name))
			}
		case "KeyDigest":
			var k keyDigest
			if err = d.DecodeElement(&k, &start); err == nil {
				r.keyDigest(at, zone, k, now)
			}
		default:
			r.problem(at, "found element %s, expected TrustAnchor, Zone or KeyDigest", start.Name.Local)
			return
		}
		if err != nil {
			r.problem(at, "%v", err)
			return
		}
	}
}

// keyDigest takes an anchor, if it is in force.
func (r *reader) keyDigest(at place, zone lookup.Name, k keyDigest, now time.Time) {
	if zone == "" {
		r.problem(at, "a KeyDigest before the Zone that it is for")
		return
	}
	for _, bound := range []struct {
		text string
		out  func(time.Time) bool
	}{{k.ValidFrom, now.Before}, {k.ValidUntil, func(until time.Time) bool { return !now.Before(until) }}} {
		if bound.text == "" {
			continue
		}
		when, err := time.Parse(time.RFC3339, bound.text)
		if err != nil {
			r.problem(at, "%v", err)
			return
		}
		if bound.out(when) { // RFC 9718 2.1.3
			return
		}
	}
	var words []token
	for _, text := range []string{k.KeyTag, k.Algorithm, k.DigestType, k.Digest} {
		if text = strings.TrimSpace(text); text == "" {
			r.problem(at, "a KeyDigest lacks its KeyTag, Algorithm, DigestType or Digest")
			return
		}
		words = append(words, token{strings.Join(strings.Fields(text), ""), at})
	}
	if rdata, ok := r.rdata(lookup.TypeDS, at, words); ok {
		r.add(at, anchorRR{zone: zone, t: lookup.TypeDS, rdata: rdata})
	}
}
