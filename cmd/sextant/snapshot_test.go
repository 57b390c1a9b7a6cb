package main

import (
	"testing"

	"github.com/sextant-dns/sextant/ecs"
)

func TestReasonsToTellNothingHaveShortWords(t *testing.T) {
	t.Parallel()
	for _, why := range []ecs.Reason{
		ecs.BecauseOff, ecs.BecauseType, ecs.BecauseOptOut, ecs.BecauseNobody, ecs.BecauseNoOption, ecs.BecauseNetwork,
		ecs.BecausePrivate, ecs.BecauseForeign, ecs.BecauseDelegating, ecs.BecauseServer, ecs.BecauseNoSupport, ecs.BecauseRetry,
	} {
		if got := shortReason(why); got == "other" || len(got) > 10 {
			t.Errorf("%s: %q", why, got)
		}
	}
}
