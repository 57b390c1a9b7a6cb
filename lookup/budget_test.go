package lookup_test

import (
	"testing"

	"github.com/sextant-dns/sextant/lookup"
)

// A second way pays for messages from the same ledger, and checks on its own account; there
// is no third.
func TestAside(t *testing.T) {
	t.Parallel()
	b := lookup.NewBudget(lookup.Limits{Upstream: 2, Aliases: 1, Forgeries: 1})
	aside := b.Aside()
	b.Forgery()
	if b.Signature() || !aside.Signature() {
		t.Error("a forgery on one way is one on the other")
	}
	if !b.Upstream() || !aside.Upstream() || b.Upstream() || aside.Upstream() || b.Sent() != 2 || aside.Sent() != 2 {
		t.Error("messages are paid twice")
	}
	if !aside.Alias() || b.Alias() || aside.Followed() != 1 {
		t.Error("aliases are paid twice")
	}
	if aside.Aside() != aside {
		t.Error("there is a third way")
	}
}
