package anchors

import (
	"context"
	"crypto/ed25519"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
)

// zone is a zone that publishes and signs keys, and counts who asks.
type zone struct {
	t    testing.TB
	name lookup.Name
	now  func() time.Time

	mu    sync.Mutex
	keys  string // in the words of sighting
	err   error
	asked []time.Time
}

// signer is a key by its letter; the REVOKE bit changes the flags and nothing else.
func (z *zone) signer(letter byte, flags uint16) dnssec.Signer {
	seed := strings.Repeat(string(rune(letter)), ed25519.SeedSize)
	s, err := dnssec.NewSigner(z.name, dnssec.ED25519, flags, ed25519.NewKeyFromSeed([]byte(seed)))
	if err != nil {
		z.t.Fatal(err)
	}
	return s
}

// dnskey is the RRset that words such as "A* r:B* z:C" describe, signed for 14 days.
func (z *zone) dnskey(words string) lookup.RRset {
	var rdata []string
	var signers []dnssec.Signer
	for word := range strings.FieldsSeq(words) {
		flags := sep
		switch {
		case strings.HasPrefix(word, "r:"):
			flags, word = revoked, word[2:]
		case strings.HasPrefix(word, "z:"):
			flags, word = plainZK, word[2:]
		}
		s := z.signer(word[0], flags)
		rdata = append(rdata, s.Key.Rdata)
		if strings.HasSuffix(word, "*") {
			signers = append(signers, s)
		}
	}
	set := lookup.RRset{Name: z.name, Type: lookup.TypeDNSKEY, TTL: 172800, Data: lookup.PackRdata(rdata...)}
	for _, s := range signers {
		var err error
		if set, err = s.Sign(set, z.now().Add(-time.Hour), z.now().Add(14*day)); err != nil {
			z.t.Fatal(err)
		}
	}
	return set
}

func (z *zone) publish(words string) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.keys, z.err = words, nil
}

func (z *zone) fail(err error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.err = err
}

func (z *zone) fetch(_ context.Context, of lookup.Name) (lookup.RRset, error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.asked = append(z.asked, z.now())
	if z.err != nil {
		return lookup.RRset{}, z.err
	}
	return z.dnskey(z.keys), nil
}

// letters puts the letters of keys in the place of what they are, in text.
func (z *zone) letters(p Point) string {
	for i, k := range p.Keys {
		for letter := byte('A'); letter <= 'Z'; letter++ {
			for _, flags := range []uint16{sep, plainZK} {
				if k.Type == lookup.TypeDNSKEY && k.plain() == z.signer(letter, flags).Key.Rdata {
					p.Keys[i].Rdata = rdataOf(letter, sep)
				}
			}
		}
	}
	return states(p)
}

func (z *zone) states(k *Keeper) string {
	p := k.Points()[0]
	p.Keys = slices.Clone(p.Keys)
	return z.letters(p)
}

// events collects what a Keeper reports.
type events struct {
	mu   sync.Mutex
	list []Event
}

func (e *events) report(one Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, one)
}

// take is what has been reported since it was last called, but for failed probes if
// nothing else was.
func (e *events) take() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []string
	for _, one := range e.list {
		out = append(out, one.String())
	}
	e.list = nil
	return strings.Join(out, "\n")
}

// anchor is the anchor of the key called by a letter.
func (z *zone) anchor(letter byte) []lookup.RRset {
	return []lookup.RRset{oneRR(z.name, lookup.TypeDNSKEY, z.signer(letter, sep).Key.Rdata)}
}

func mustKeeper(t testing.TB, o Options) *Keeper {
	t.Helper()
	k, err := NewKeeper(o)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// run lets the Keeper run until the test says stop.
func run(k *Keeper) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = k.Run(ctx) })
	return func() {
		cancel()
		running.Wait()
	}
}
