package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os/exec"
	"time"

	"github.com/sextant-dns/sextant/config"
)

// How much is done so that somebody hears of an emergency.
const (
	noticesWaiting = 64
	noticeTries    = 4
	noticeTime     = 5 * time.Second  // for one try of the webhook
	commandTime    = 30 * time.Second // for the command
	noticeAgain    = 2 * time.Second  // before the second try; then four times that, each time
)

// notice is what is told when something has become of a protected zone.
type notice struct {
	Zone   string    `json:"zone"`
	From   string    `json:"from"`
	To     string    `json:"to"`
	Kind   string    `json:"kind"`
	Reason string    `json:"reason"`
	Ballot string    `json:"ballot,omitempty"`
	At     time.Time `json:"at"`
}

// notifier tells a webhook and a command, one notice after the other. The nil *notifier
// tells nobody.
type notifier struct {
	to      config.LifelineNotify
	log     *slog.Logger
	waiting chan notice
}

// newNotifier is nil when nobody wants to be told.
func newNotifier(to config.LifelineNotify, log *slog.Logger) *notifier {
	if to.Webhook == "" && len(to.Command) == 0 {
		return nil
	}
	return &notifier{to: to, log: log, waiting: make(chan notice, noticesWaiting)}
}

// tell does not wait. A notice for which there is no room is lost, and that is logged.
func (n *notifier) tell(what notice) {
	if n == nil {
		return
	}
	select {
	case n.waiting <- what:
	default:
		n.log.Error("lifeline: nobody was told, as too much waits to be told", "zone", what.Zone, "to", what.To)
	}
}

// Run tells until ctx ends, and returns nil.
func (n *notifier) Run(ctx context.Context) error {
	if n == nil {
		return nil
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case what := <-n.waiting:
			n.deliver(ctx, what)
		}
	}
}

func (n *notifier) deliver(ctx context.Context, what notice) {
	text, err := json.Marshal(what)
	if err != nil {
		return // it is all texts
	}
	if len(n.to.Command) > 0 {
		if err := n.run(ctx, text); err != nil {
			n.log.Error("lifeline: the command has failed", "command", n.to.Command[0], "cause", err)
		}
	}
	if n.to.Webhook == "" {
		return
	}
	for try, wait := 1, noticeAgain; ; try, wait = try+1, 4*wait {
		if err = n.post(ctx, text); err == nil {
			return
		}
		if try == noticeTries || ctx.Err() != nil {
			n.log.Error("lifeline: the webhook cannot be told", "zone", what.Zone, "to", what.To, "tries", try, "cause", err)
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

func (n *notifier) post(ctx context.Context, text []byte) error {
	ctx, cancel := context.WithTimeout(ctx, noticeTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, n.to.Webhook, bytes.NewReader(text))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(reply.Body, 64<<10)) // so that the connection can be used again
	if reply.StatusCode/100 != 2 {
		return fmt.Errorf("it says %s", reply.Status)
	}
	return nil
}

func (n *notifier) run(ctx context.Context, text []byte) error {
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	c := exec.CommandContext(ctx, n.to.Command[0], n.to.Command[1:]...)
	c.Stdin, c.WaitDelay = bytes.NewReader(text), time.Second
	return c.Run()
}
