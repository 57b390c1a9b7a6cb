package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/sextant-dns/sextant/config"
)

// logged is what was logged.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func TestNotices(t *testing.T) {
	t.Parallel()
	posted := make(chan notice, 1)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var n notice
		if err := json.NewDecoder(r.Body).Decode(&n); err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s, %v", r.Method, err)
		}
		posted <- n
	}))
	defer web.Close()
	file := filepath.Join(t.TempDir(), "told")
	n := newNotifier(config.LifelineNotify{Webhook: web.URL, Command: []string{"/bin/sh", "-c", "cat > " + file}}, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- n.Run(ctx) }()
	want := notice{Zone: "example.io.", From: "suspect", To: "emergency", Kind: "silent", Reason: "nobody"}
	n.tell(want)
	if got := <-posted; got != want {
		t.Errorf("posted %+v", got)
	}
	told, err := os.ReadFile(file) // the command comes first
	if err != nil || !strings.Contains(string(told), `"to":"emergency"`) {
		t.Errorf("the command has heard %q, %v", told, err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestNoticesThatNobodyTakes(t *testing.T) {
	t.Parallel()
	var nobody *notifier
	nobody.tell(notice{}) // and nothing happens
	if err := nobody.Run(t.Context()); err != nil || newNotifier(config.LifelineNotify{}, nil) != nil {
		t.Error("there is somebody")
	}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
		_, _ = io.WriteString(w, "no")
	}))
	defer web.Close()
	log := &logged{}
	n := newNotifier(config.LifelineNotify{Webhook: web.URL, Command: []string{"/nonexistent"}}, slog.New(slog.NewTextHandler(log, nil)))
	for range noticesWaiting + 1 {
		n.tell(notice{Zone: "example.io."})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	n.deliver(ctx, notice{Zone: "example.io."})
	for _, want := range []string{"too much waits", "the command has failed", "the webhook cannot be told"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("want %q in %s", want, log)
		}
	}
}
