package message

import (
	"testing"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

func TestEDEIsReadAndWritten(t *testing.T) {
	t.Parallel()
	e := lookup.EDE{Code: lookup.EDENoReachableAuth, Text: "all silent"}
	o := EDEOption(e)
	if got, ok := o.EDE(); !ok || got != e {
		t.Errorf("got %v, %v", got, ok)
	}
	var theirs dns.EDNS0_EDE
	m := unpacked(t, AppendQuery(nil, Header{}, ask("a.", lookup.TypeA), &OPT{Options: []Option{o}}))
	if theirs = *m.IsEdns0().Option[0].(*dns.EDNS0_EDE); theirs.InfoCode != e.Code || theirs.ExtraText != e.Text {
		t.Errorf("the library reads %v", theirs)
	}
	for _, c := range []struct {
		data string
		want lookup.EDE
		ok   bool
	}{
		{"\x00", lookup.EDE{}, false},
		{"\x00\x06", lookup.EDE{Code: 6}, true},
		{"\x00\x06text\x00", lookup.EDE{Code: 6, Text: "text"}, true},
		{"\x00\x06bad \xff octet", lookup.EDE{Code: 6, Text: "bad  octet"}, true},
	} {
		if got, ok := (Option{OptionEDE, c.data}).EDE(); ok != c.ok || got != c.want {
			t.Errorf("%q: %v, %v", c.data, got, ok)
		}
	}
}
