package tsig

import (
	"encoding/binary"
	"testing"

	"github.com/miekg/dns"
)

// Whatever comes, nothing panics, a message that somebody made up is not believed,
// and what we believe the other library believes, too.
func FuzzAccept(f *testing.F) {
	k := key(HMACSHA256)
	asked, _ := Ask(query(f), k, now())
	f.Add(asked)
	f.Add(query(f))
	f.Add(message(f, 1))
	f.Fuzz(func(t *testing.T, msg []byte) {
		s, err := Accept(msg, ring(k), now())
		if s == nil {
			return
		}
		reply := make([]byte, 12)
		if _, there, wrong := find(s.Sign(reply, now())); !there || wrong != nil {
			t.Fatalf("the reply cannot be read: %v", wrong)
		}
		if err != nil {
			return
		}
		m := new(dns.Msg)
		if m.Unpack(msg) != nil {
			return // what else is wrong with it is not our concern
		}
		if wrong := dns.TsigVerify(append([]byte{}, msg...), secret(k), "", false); wrong != nil && wrong != dns.ErrTime {
			t.Fatalf("we believe it, and they say %v", wrong)
		}
	})
}

// What was signed is read again as it was, and any change of it is noticed.
func FuzzSigned(f *testing.F) {
	f.Add([]byte("\x00\x01\x02"), uint16(40), byte(1))
	f.Fuzz(func(t *testing.T, data []byte, at uint16, with byte) {
		k := key(HMACSHA512)
		if len(data) > 1000 {
			return
		}
		// A message with one RR that holds the data.
		msg := query(t)
		msg = append(msg, 0, 255, 1, 0, 1, 0, 0, 0, 0)
		msg = append(binary.BigEndian.AppendUint16(msg, uint16(len(data))), data...)
		msg[7] = 1
		asked, client := Ask(msg, k, now())
		server, err := Accept(asked, ring(k), now())
		if err != nil {
			t.Fatal(err)
		}
		reply := server.Sign(message(t, 1), now())
		if i := int(at) % len(reply); i > 1 && with != 0 {
			reply[i] ^= with
			if client.Check(reply, now()) == nil && !caseOnly(reply, i, with) {
				t.Fatalf("octet %d was changed by %#x, and nobody noticed", i, with)
			}
			return
		}
		if err := client.Check(reply, now()); err != nil {
			t.Fatal(err)
		}
	})
}

// caseOnly tells whether a change was one of letter case in the names of the TSIG.
func caseOnly(msg []byte, at int, with byte) bool {
	r, there, err := find(msg)
	return err == nil && there && at >= r.start && with == 0x20
}
