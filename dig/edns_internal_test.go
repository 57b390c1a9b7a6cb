package dig

import "testing"

// RFC 7871 7.1.2: a stub resolver sets SCOPE to 0, and tells no more octets than
// SOURCE needs.
func TestE16SubnetOptionOfAQuery(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"192.0.2.77/24":   "\x00\x01\x18\x00\xc0\x00\x02",
		"192.0.2.77":      "\x00\x01\x20\x00\xc0\x00\x02\x4d",
		"10/8":            "\x00\x01\x08\x00\x0a",
		"2001:db8:1::/56": "\x00\x02\x38\x00\x20\x01\x0d\xb8\x00\x01\x00",
		"0":               "\x00\x01\x00\x00",
		"::/0":            "\x00\x02\x00\x00",
	} {
		p, err := parseSubnet(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(subnetData(p)); got != want {
			t.Errorf("%s: %x, want %x", text, got, want)
		}
	}
}
