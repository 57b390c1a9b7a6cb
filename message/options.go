package message

import (
	"strings"

	"github.com/sextant-dns/sextant/lookup"
)

// EDEOption is the option of an Extended DNS Error (RFC 8914 2).
func EDEOption(e lookup.EDE) Option {
	return Option{Code: OptionEDE, Data: string([]byte{byte(e.Code >> 8), byte(e.Code)}) + e.Text}
}

// EDE reads an Extended DNS Error. Octets of the text that are not UTF-8, and
// the NUL that RFC 8914 2 tells to expect at its end, are left out.
func (o Option) EDE() (e lookup.EDE, ok bool) {
	if o.Code != OptionEDE || len(o.Data) < 2 {
		return lookup.EDE{}, false
	}
	return lookup.EDE{
		Code: uint16(o.Data[0])<<8 | uint16(o.Data[1]),
		Text: strings.ToValidUTF8(strings.TrimSuffix(o.Data[2:], "\x00"), ""),
	}, true
}
