package update_test

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/message"
	"github.com/sextant-dns/sextant/update"
	"github.com/sextant-dns/sextant/zones"
)

// A host enters its address. After a crash it is still there, since the journal was
// written before the answer.
func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	apex, key := lookup.MustName("example."), lookup.MustName("dhcp.example.")
	file, err := zones.Load(strings.NewReader("example. 60 SOA ns host 1 2 3 4 5\nexample. 60 NS ns.example.\nns.example. 60 A 192.0.2.1\n"), "example.zone", zones.LoadOptions{Origin: apex})
	if err != nil {
		fmt.Println(err)
		return
	}
	start := func() *update.Zone {
		z := update.New(update.Options{Apex: apex, Journal: filepath.Join(dir, "journal")})
		if err := z.Take(file); err != nil {
			fmt.Println(err)
		}
		if err := z.Open(); err != nil {
			fmt.Println(err)
		}
		return z
	}
	z := start()
	response := z.Update(update.Request{
		From: netip.MustParseAddr("192.0.2.67"), Key: key, Grants: []update.Grant{{Key: key}},
		Message: &message.Records{
			Question:  []message.Question{{Name: apex, Type: lookup.TypeSOA, Class: lookup.ClassIN}},
			Authority: []message.Record{{Name: lookup.MustName("laptop.example."), Type: lookup.TypeA, Class: lookup.ClassIN, TTL: 300, Data: "\xc0\x00\x02\x4d"}},
		},
	})
	fmt.Println(response.Rcode)

	z.Close()
	again := start()
	data, _ := again.Data()
	fmt.Println(data.At(lookup.MustName("laptop.example."))[0])
	fmt.Println(data.SOARecord().Serial())
	// Output:
	// NOERROR
	// laptop.example.	300	IN	A	192.0.2.77
	// 2
}
