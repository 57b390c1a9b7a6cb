package message_test

import (
	"fmt"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/message"
)

// A response becomes a packet and comes back. The owner points to the question,
// so it has the letter case in which it was asked.
func Example() {
	q := message.Question{
		Raw:   "\x03wWw\x07example\x00",
		Name:  lookup.MustName("www.example."),
		Type:  lookup.TypeA,
		Class: lookup.ClassIN,
	}
	r := &lookup.Response{AA: true, Answer: lookup.MustRRsets("www.example. 300 IN A 192.0.2.1")}
	packet, at := message.AppendResponse(nil, message.Header{ID: 4711}, q, r, false)
	fmt.Println(len(packet), "octets, TTLs at", at.TTLs)

	m, err := message.Decode(packet)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(m.ID, m.AA, lookup.Presentation(m.Question[0].Raw))
	fmt.Println(m.Answer[0])
	// Output:
	// 45 octets, TTLs at [35]
	// 4711 true wWw.example.
	// www.example.	300	IN	A	192.0.2.1
}
