package tsig_test

import (
	"fmt"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/tsig"
)

// A request and its reply, signed with a key that both sides have.
func Example() {
	key := tsig.Key{Name: lookup.MustName("transfer.example."), Algorithm: tsig.HMACSHA256, Secret: []byte("a secret of thirty-two octets...")}
	known := func(name lookup.Name) (tsig.Key, bool) { return key, name == key.Name }
	now := time.Unix(1_800_000_000, 0)
	message := []byte("\x12\x34\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00") // a header, and nothing else

	request, client := tsig.Ask(message, key, now)
	server, err := tsig.Accept(request, known, now)
	fmt.Println(server.Key(), err)
	reply := server.Sign(message, now)
	fmt.Println(client.Check(reply, now), client.Done())

	late, err := tsig.Accept(request, known, now.Add(time.Hour))
	fmt.Println(late.Key(), err)
	// Output:
	// transfer.example. <nil>
	// <nil> <nil>
	// transfer.example. TSIG with key transfer.example.: BADTIME
}
