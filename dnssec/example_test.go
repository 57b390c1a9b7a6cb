package dnssec_test

import (
	"fmt"
	"time"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
)

// A chain of one link: the DS that the parent has, the DNSKEY RRset, an answer,
// and the proof that there is no other.
func Example() {
	now := time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC)
	zone := lookup.MustName("example.")
	signer, err := dnssec.GenerateKey(zone, dnssec.ED25519, dnssec.FlagZone|dnssec.FlagSEP)
	if err != nil {
		panic(err)
	}
	signed := func(set lookup.RRset) lookup.RRset {
		set, err := signer.Sign(set, now.Add(-time.Hour), now.Add(24*time.Hour))
		if err != nil {
			panic(err)
		}
		return set
	}
	ds, _ := dnssec.DSOf(signer.Key, dnssec.SHA256)
	dnskey := signed(dnssec.DNSKEY(3600, signer))
	answer := signed(lookup.MustRRsets("www.example. 300 IN A 192.0.2.1")[0])
	nsec := signed(lookup.MustRRsets("www.example. 300 IN NSEC example. A RRSIG NSEC")[0])

	v := &dnssec.Verifier{Now: now, Budget: lookup.NewBudget(lookup.Limits{})}
	keys, result := v.Keys(dnskey, []dnssec.DS{ds})
	fmt.Println("keys:", len(keys), result.Status)
	fmt.Println("answer:", v.Verify(answer, zone, keys).Status)

	if v.Verify(nsec, zone, keys).Status == dnssec.Secure {
		denial := v.Denial(zone, []lookup.RRset{nsec})
		fmt.Println("no AAAA:", denial.NODATA(answer.Name, lookup.TypeAAAA).Status)
		fmt.Println("no A:", denial.NODATA(answer.Name, lookup.TypeA).EDE)
	}
	// Output:
	// keys: 1 secure
	// answer: secure
	// no AAAA: secure
	// no A: 12 (NSEC Missing): the NSEC RRs do not prove it
}
