package scenario_test

import (
	"fmt"
	"strings"

	"github.com/sextant-dns/sextant/internal/scenario"
)

// A story is read, and what its server would say can be looked at.
func ExampleParse() {
	story, err := scenario.Parse("www.rpl", strings.NewReader(`
server:
	qname-minimisation: no
CONFIG_END

SCENARIO_BEGIN there is a name
RANGE_BEGIN 0 100
	ADDRESS 192.0.2.53
	ENTRY_BEGIN
		MATCH opcode qname
		ADJUST copy_id copy_query
		REPLY QR AA NOERROR
		SECTION QUESTION
			www.example. IN A
		SECTION ANSWER
			www.example. 60 IN A 192.0.2.1
	ENTRY_END
RANGE_END
STEP 1 TRAFFIC
SCENARIO_END
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(story.Title)
	fmt.Print(&story.Ranges[0].Entries[0].Packets[0])
	// Output:
	// there is a name
	// ;; opcode 0, NOERROR, flags: QR AA
	// ;www.example. IN A
	// ;; ANSWER
	// www.example.	60	IN	A	192.0.2.1
}
