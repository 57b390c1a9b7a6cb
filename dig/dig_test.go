package dig

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestRunEndsWhenItsContextDoes(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	code := make(chan int)
	go func() {
		code <- Run(ctx, s.all([]string{"silent.example", "a.example"}), io.Discard, io.Discard, Options{})
	}()
	<-s.silent
	cancel()
	if got := <-code; got != exitInternal {
		t.Errorf("exit code %d", got)
	}
}

func TestOutputThatCannotBeWrittenIsAFailure(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	if code := Run(context.Background(), s.all([]string{"a.example"}), brokenPipe{}, io.Discard, Options{}); code != exitInternal {
		t.Errorf("exit code %d", code)
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestTimeRandomnessAndNamesAreOptions(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	now := time.Date(2026, 11, 2, 3, 4, 5, 0, time.FixedZone("JST", 9*3600))
	o := Options{
		Version: "1.2.3",
		Now: func() time.Time {
			now = now.Add(1500 * time.Microsecond)
			return now
		},
		Rand: strings.NewReader("\x01\x02\x03\x04\x05\x06\x07\x08" + "\x10\x01"),
		Resolve: func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{s.addr.Addr()}, nil
		},
	}
	var out, errOut bytes.Buffer
	args := []string{"-u", "@ns.example", "-p", strconv.Itoa(int(s.addr.Port())), "a.example"}
	if code := Run(context.Background(), args, &out, &errOut, o); code != exitOK {
		t.Fatalf("exit code %d: %s", code, errOut.String())
	}
	for _, want := range []string{
		"; <<>> Sextant 1.2.3 <<>> -u @ns.example", "; (1 server found)", "id: 4097",
		"; COOKIE: 0102030405060708", "Query time: 1500 usec", "(ns.example) (UDP)", "WHEN: Mon Nov 02 03:04:05 JST 2026",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}
