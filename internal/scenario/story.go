package scenario

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Story is one scenario file. It is not changed after Parse.
type Story struct {
	File     string // the name that Parse was given
	Title    string
	Settings []Clause
	Texts    map[string]string // TEMPFILE_CONTENTS and AUTOTRUST_FILE by name
	Anchors  string            // which of them is an AUTOTRUST_FILE: trust anchors with their history; "": none
	Ranges   []Range           // in the order of the file; the last is asked first
	Steps    []Step            // with ascending numbers
}

// Range is what one server says while the story is between two steps.
type Range struct {
	Line     int
	From, To int          // step numbers, both included
	Addrs    []netip.Addr // the last one counts; none means every server
	Port     uint16       // of the last address
	Entries  []*Entry
}

// covers tells whether the range speaks for server at that step.
func (r *Range) covers(step int, server netip.AddrPort) bool {
	if step < r.From || step > r.To {
		return false
	}
	if len(r.Addrs) == 0 {
		return true
	}
	return netip.AddrPortFrom(r.Addrs[len(r.Addrs)-1], r.Port) == netip.AddrPortFrom(server.Addr().Unmap(), server.Port())
}

// Kind is what a step does.
type Kind string

// The kinds of steps, by the words that stand for them in the file.
const (
	Nothing        Kind = "NOTHING"
	Query          Kind = "QUERY"
	CheckAnswer    Kind = "CHECK_ANSWER"
	CheckOutQuery  Kind = "CHECK_OUT_QUERY"
	Reply          Kind = "REPLY"
	Timeout        Kind = "TIMEOUT"
	Failed         Kind = "ERROR"
	TimePasses     Kind = "TIME_PASSES"
	Traffic        Kind = "TRAFFIC"
	Assign         Kind = "ASSIGN"
	CheckAutotrust Kind = "CHECK_AUTOTRUST"
	CheckTempfile  Kind = "CHECK_TEMPFILE"
	InfraRTT       Kind = "INFRA_RTT"
	FlushMessage   Kind = "FLUSH_MESSAGE"
	ExpireMessage  Kind = "EXPIRE_MESSAGE"
)

// Step is one thing that happens or is checked. Which fields matter depends on
// its Kind.
type Step struct {
	Line   int
	Number int
	Kind   Kind
	Addr   netip.Addr    // QUERY, CHECK_ANSWER: the client; CHECK_OUT_QUERY: the server; zero if not given
	Entry  *Entry        // QUERY, CHECK_ANSWER, CHECK_OUT_QUERY, REPLY
	Pass   time.Duration // TIME_PASSES ELAPSE
	Macro  string        // TIME_PASSES EVAL, ASSIGN
	Var    string        // ASSIGN
	Args   []string      // CHECK_AUTOTRUST and the like: the words after the kind
	Text   string        // CHECK_AUTOTRUST, CHECK_TEMPFILE
}

// String names the step as it stands in the file.
func (s *Step) String() string {
	return fmt.Sprintf("STEP %d %s (line %d)", s.Number, s.Kind, s.Line)
}

// Entry is a pattern of a packet and, for a range or a REPLY, what to say to it.
type Entry struct {
	Line    int
	Match   Words
	EDE     int    // of ede=; anyEDE for ede=any
	Serial  uint32 // of serial=
	Adjust  Adjustments
	Packets []Packet // at least one; more are the messages of one TCP stream
}

// Whitebox tells whether the story scripts the queries that go out one by one.
// Then it says itself which of them time out.
func (s *Story) Whitebox() bool {
	return slices.ContainsFunc(s.Steps, func(step Step) bool {
		switch step.Kind {
		case CheckOutQuery, Reply, Timeout, Failed:
			return true
		}
		return false
	})
}

// Clause is one line of the configuration: a key with its values and, for the
// keys that open a section, what stands in the section.
type Clause struct {
	Line   int
	Key    string   // without its colon
	Values []string // without their quotes
	Sub    []Clause
}

// Value is the first value, "" when there is none.
func (c Clause) Value() string {
	if len(c.Values) == 0 {
		return ""
	}
	return c.Values[0]
}

// Find is the values of every clause within c that has the key.
func (c Clause) Find(key string) []string {
	var values []string
	for _, sub := range c.Sub {
		if sub.Key == key {
			values = append(values, sub.Values...)
		}
	}
	return values
}
