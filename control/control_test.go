package control_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sextant-dns/sextant/control"
)

// socketPath is a path that is short enough for a socket.
func socketPath(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sx")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "c.sock")
}

// start runs a server with those handlers until the test ends.
func start(t *testing.T, h control.Handlers) (socket string, stop func() error) {
	t.Helper()
	socket = socketPath(t)
	s := control.New(control.Options{Socket: socket, Handlers: h})
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	stop = func() error {
		cancel()
		err := <-ended
		ended <- err
		return err
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	return socket, stop
}

// echo is handlers that show what they were asked.
func echo() control.Handlers {
	return control.Handlers{
		Status: func(context.Context, control.StatusRequest) (control.Status, error) {
			return control.Status{Version: "1", Views: []string{"a", "b"}, Queries: 4, Hits: 3}, nil
		},
		Lookup: func(_ context.Context, r control.LookupRequest) (control.Known, error) {
			if r.Name == "" {
				return control.Known{}, errors.New("there is no name")
			}
			return control.Known{Name: r.Name + "|" + r.Type}, nil
		},
		Flush: func(_ context.Context, r control.FlushRequest) (control.Flushed, error) {
			return control.Flushed{Above: []control.Record{{Name: fmt.Sprintf("%+v", r)}}}, nil
		},
		Explain: func(_ context.Context, r control.ExplainRequest) (control.Explanation, error) {
			return control.Explanation{Question: fmt.Sprintf("%+v", r)}, nil
		},
		Anchors: func(context.Context, control.AnchorsRequest) (control.Anchors, error) {
			return control.Anchors{Validation: control.ValidationOn}, nil
		},
		AddNegative: func(_ context.Context, r control.AddNegativeRequest) (control.NegativeAnchor, error) {
			return control.NegativeAnchor{Zone: fmt.Sprintf("%+v", r)}, nil
		},
		RemoveNegative: func(_ context.Context, r control.RemoveNegativeRequest) (control.RemovedNegative, error) {
			return control.RemovedNegative{Zone: fmt.Sprintf("%+v", r)}, nil
		},
		Health: func(_ context.Context, r control.HealthRequest) (control.Health, error) {
			return control.Health{Held: []string{fmt.Sprintf("%+v", r)}}, nil
		},
		Lifeline: func(_ context.Context, r control.LifelineRequest) (control.Lifeline, error) {
			return control.Lifeline{Zones: []control.LifelineZone{{Reason: fmt.Sprintf("%+v", r)}}}, nil
		},
		SetLifeline: func(_ context.Context, r control.SetLifelineRequest) (control.Lifeline, error) {
			return control.Lifeline{Zones: []control.LifelineZone{{Reason: fmt.Sprintf("%+v", r)}}}, nil
		},
		SetHealth: func(_ context.Context, r control.SetHealthRequest) (control.Health, error) {
			return control.Health{Held: []string{fmt.Sprintf("%+v", r)}}, nil
		},
		Dump: func(_ context.Context, r control.DumpRequest) (iter.Seq[control.Record], error) {
			return func(yield func(control.Record) bool) {
				for i := range 3 {
					if !yield(control.Record{Name: fmt.Sprint(r.Types, i), TTL: int64(i)}) {
						return
					}
				}
			}, nil
		},
	}
}

func TestEachCallGoesThereAndBack(t *testing.T) {
	t.Parallel()
	socket, _ := start(t, echo())
	c, ctx := control.NewClient(socket), t.Context()
	if s, err := c.Status(ctx); err != nil || s.Version != "1" || len(s.Views) != 2 {
		t.Errorf("got %+v, %v", s, err)
	}
	if k, err := c.Lookup(ctx, control.LookupRequest{Name: "a", Type: "b"}); err != nil || k.Name != "a|b" {
		t.Errorf("got %+v, %v", k, err)
	}
	flush := control.FlushRequest{Name: "a", Zone: true, Type: "b"}
	if f, err := c.Flush(ctx, flush); err != nil || f.Above[0].Name != fmt.Sprintf("%+v", flush) {
		t.Errorf("got %+v, %v", f, err)
	}
	explain := control.ExplainRequest{Name: "a", Type: "b", View: "c", Client: "d", Subnet: "e", Fresh: true, DO: true, CD: true, NoRecurse: true}
	if e, err := c.Explain(ctx, explain); err != nil || e.Question != fmt.Sprintf("%+v", explain) {
		t.Errorf("got %+v, %v", e, err)
	}
	if a, err := c.Anchors(ctx); err != nil || a.Validation != control.ValidationOn {
		t.Errorf("got %+v, %v", a, err)
	}
	add, remove := control.AddNegativeRequest{Name: "a", For: 5}, control.RemoveNegativeRequest{Name: "b"}
	if n, err := c.AddNegative(ctx, add); err != nil || n.Zone != fmt.Sprintf("%+v", add) {
		t.Errorf("got %+v, %v", n, err)
	}
	if n, err := c.RemoveNegative(ctx, remove); err != nil || n.Zone != fmt.Sprintf("%+v", remove) {
		t.Errorf("got %+v, %v", n, err)
	}
	health, set := control.HealthRequest{Site: "a"}, control.SetHealthRequest{Site: "a", Address: "b", State: "c", For: 5}
	how, do := control.LifelineRequest{Name: "a", Call: true}, control.SetLifelineRequest{Zone: "a", Do: "b"}
	if l, err := c.Lifeline(ctx, how); err != nil || l.Zones[0].Reason != fmt.Sprintf("%+v", how) {
		t.Errorf("lifeline: %+v, %v", l, err)
	}
	if l, err := c.SetLifeline(ctx, do); err != nil || l.Zones[0].Reason != fmt.Sprintf("%+v", do) {
		t.Errorf("lifeline set: %+v, %v", l, err)
	}
	if h, err := c.Health(ctx, health); err != nil || h.Held[0] != fmt.Sprintf("%+v", health) {
		t.Errorf("got %+v, %v", h, err)
	}
	if h, err := c.SetHealth(ctx, set); err != nil || h.Held[0] != fmt.Sprintf("%+v", set) {
		t.Errorf("got %+v, %v", h, err)
	}
	var names []string
	for r, err := range c.Dump(ctx, control.DumpRequest{Types: []string{"x"}}) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, r.Name)
	}
	if !slices.Equal(names, []string{"[x] 0", "[x] 1", "[x] 2"}) {
		t.Errorf("got %q", names)
	}
}

func TestABigDumpComesWholeAndMayBeLeft(t *testing.T) {
	t.Parallel()
	const all = 30_000
	var yielded int
	h := control.Handlers{Dump: func(context.Context, control.DumpRequest) (iter.Seq[control.Record], error) {
		return func(yield func(control.Record) bool) {
			for yielded = range all {
				if !yield(control.Record{Name: "www.example.com.", RRs: []string{"www.example.com.\t60\tIN\tA\t192.0.2.1"}}) {
					return
				}
			}
		}, nil
	}}
	socket, stop := start(t, h)
	got := 0
	for _, err := range control.NewClient(socket).Dump(t.Context(), control.DumpRequest{}) {
		if err != nil {
			t.Fatal(err)
		}
		got++
	}
	if got != all {
		t.Errorf("%d records", got)
	}
	for range control.NewClient(socket).Dump(t.Context(), control.DumpRequest{}) {
		break
	}
	if err := stop(); err != nil || yielded == all-1 { // the server has noticed that nobody listens
		t.Errorf("%v, after %d records", err, yielded)
	}
}

func TestADumpThatEndsEarlyIsAnError(t *testing.T) {
	t.Parallel()
	socket, _ := start(t, control.Handlers{Dump: func(context.Context, control.DumpRequest) (iter.Seq[control.Record], error) {
		return func(yield func(control.Record) bool) {
			yield(control.Record{Name: "one."})
			panic("the shard is gone")
		}, nil
	}})
	var last error
	n := 0
	for _, err := range control.NewClient(socket).Dump(t.Context(), control.DumpRequest{}) {
		last = err
		n++
	}
	if n != 2 || last == nil || !strings.Contains(last.Error(), "the shard is gone") {
		t.Errorf("%d records, the last with %v", n, last)
	}
}

func TestErrorsAreTold(t *testing.T) {
	t.Parallel()
	h := echo()
	h.Explain = nil
	h.Flush = func(context.Context, control.FlushRequest) (control.Flushed, error) { panic("oh") }
	socket, _ := start(t, h)
	c, ctx := control.NewClient(socket), t.Context()
	for want, err := range map[string]error{
		"there is no name":                    second(c.Lookup(ctx, control.LookupRequest{})),
		"this server has no POST /v1/explain": second(c.Explain(ctx, control.ExplainRequest{})),
		"panic: oh":                           second(c.Flush(ctx, control.FlushRequest{})),
		"http: request body too large":        second(c.Lookup(ctx, control.LookupRequest{Name: strings.Repeat("a", 1<<17)})),
	} {
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), socket) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// raw sends what a person might type with curl, and returns status and body.
func raw(t *testing.T, socket, path, body string) string {
	t.Helper()
	conn, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST %s HTTP/1.0\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body)
	var b strings.Builder
	buf := make([]byte, 4096)
	for {
		n, err := conn.Read(buf)
		b.Write(buf[:n])
		if err != nil {
			return b.String()
		}
	}
}

func TestRequestsAreReadStrictly(t *testing.T) {
	t.Parallel()
	socket, _ := start(t, echo())
	for _, c := range []struct{ path, body, want string }{
		{"/v1/status", "", "200 OK"},
		{"/v1/status", "{}", "200 OK"},
		{"/v1/cache/lookup", `{"name":"a"}`, "200 OK"},
		{"/v1/cache/lookup", `{"nmae":"a"}`, `400 Bad Request`},
		{"/v1/cache/lookup", `{"name":"a"} {"name":"b"}`, "more than one object"},
		{"/v1/cache/lookup", `{"name":`, "400 Bad Request"},
		{"/v1/cache/lookup", `[]`, "400 Bad Request"},
		{"/v2/status", "", "404 Not Found"},
	} {
		if got := raw(t, socket, c.path, c.body); !strings.Contains(got, c.want) {
			t.Errorf("%s %s: got\n%s\nwant %s", c.path, c.body, got, c.want)
		}
	}
}

func TestTooManyCallsAtOnceAreTurnedAway(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan struct{}), make(chan struct{})
	socket, _ := start(t, control.Handlers{Lookup: func(context.Context, control.LookupRequest) (control.Known, error) {
		arrived <- struct{}{}
		<-release
		return control.Known{}, nil
	}})
	done := make(chan error)
	call := func() error { return second(control.NewClient(socket).Lookup(t.Context(), control.LookupRequest{})) }
	for range 16 {
		go func() { done <- call() }()
		<-arrived
	}
	if err := call(); err == nil || !strings.Contains(err.Error(), "too many calls") {
		t.Errorf("the 17th: %v", err)
	}
	close(release)
	for range 16 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestCallsEndWithTheServer(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{})
	socket, stop := start(t, control.Handlers{Explain: func(ctx context.Context, _ control.ExplainRequest) (control.Explanation, error) {
		close(arrived)
		<-ctx.Done()
		return control.Explanation{}, ctx.Err()
	}})
	ended := make(chan error)
	go func() { ended <- second(control.NewClient(socket).Explain(t.Context(), control.ExplainRequest{})) }()
	<-arrived
	if err := stop(); err != nil {
		t.Error(err)
	}
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "canceled") {
		t.Errorf("the call ended with %v", err)
	}
	if _, err := os.Lstat(socket); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
	if _, err := control.NewClient(socket).Status(t.Context()); !errors.Is(err, control.ErrNoServer) {
		t.Errorf("got %v", err)
	}
}

func TestTheSocketIsForItsOwner(t *testing.T) {
	t.Parallel()
	for group, want := range map[string]fs.FileMode{"": 0o600, fmt.Sprint(os.Getgid()): 0o660} {
		path := socketPath(t)
		s := control.New(control.Options{Socket: path, Group: group})
		if err := s.Listen(); err != nil {
			t.Fatal(err)
		}
		info, err := os.Lstat(path)
		if err != nil || info.Mode().Perm() != want || info.Mode().Type() != fs.ModeSocket {
			t.Errorf("group %q: %v, %v", group, info.Mode(), err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Run(ctx); err != nil {
			t.Error(err)
		}
	}
	s := control.New(control.Options{Socket: socketPath(t), Group: "no-such-group-here"})
	if err := s.Listen(); err == nil || !strings.Contains(err.Error(), "no-such-group-here") {
		t.Errorf("got %v", err)
	}
}

func TestAnEarlierSocketIsReplacedOnlyWhenNobodyListens(t *testing.T) {
	t.Parallel()
	path := socketPath(t)
	listen := func() error { return control.New(control.Options{Socket: path}).Listen() }

	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	if err := listen(); err == nil || !strings.Contains(err.Error(), "another server listens") {
		t.Errorf("a socket that is in use: %v", err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close() // as a server that was killed
	if err := listen(); err != nil {
		t.Errorf("a socket that nobody listens on: %v", err)
	}

	path = socketPath(t)
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := listen(); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("a file: %v", err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "precious" {
		t.Errorf("the file is %q, %v", text, err)
	}

	path = filepath.Join(path, "below", "c.sock")
	if err := listen(); err == nil {
		t.Error("there is no such folder, and no error")
	}
}

func TestAnotherServersSocketIsNotRemoved(t *testing.T) {
	t.Parallel()
	socket, stop := start(t, echo())
	if err := os.Remove(socket); err != nil { // somebody's mistake
		t.Fatal(err)
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := stop(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(socket); err != nil {
		t.Errorf("the other one's socket: %v", err)
	}
}

func TestRunNeedsListen(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := control.New(control.Options{}).Run(ctx); err == nil {
		t.Error("no error")
	}
}
