//go:build e2e

package e2e_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A zone that answers by location, as somebody sets it up who has read the how-to: dig from
// several places, a site whose web server stops, an overlay that is broken at a reload.
func TestAnswersByLocation(t *testing.T) {
	needs(t, "dig")
	t.Parallel()
	database, err := os.ReadFile(filepath.Join("..", "testdata", "geo", "toy-city.mmdb"))
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "all is well") }))
	defer web.Close()
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	at := freePort(t)
	port := at[strings.LastIndex(at, ":")+1:]
	overlay := fmt.Sprintf(`$SITE fra check=http://{addr}:%s/healthz match="all is well" interval=1s fall=1 rise=1
$SITE iad
$AT fra
www 60 A 127.0.0.1
$AT iad
www 60 A 198.51.100.80
$AT *
$ROUTE www de,at=fra,iad us=iad *=iad
$EXPECT www A from 203.0.113.9 = 127.0.0.1
`, web.URL[strings.LastIndex(web.URL, ":")+1:])
	write(t, file("places.mmdb"), string(database))
	write(t, file("example.org.zone"), "$TTL 300\n@ SOA ns host 1 2 3 4 5\n@ NS ns\nns A 192.0.2.53\nwww A 192.0.2.80\n")
	write(t, file("example.org.geo"), overlay)
	write(t, file("sextant.yaml"), fmt.Sprintf(`listen: [%s]
control: {socket: control.sock}
geo: {databases: [places.mmdb]}
zones: [{name: example.org, file: example.org.zone, overlay: example.org.geo}]
views: [{name: all, clients: [0.0.0.0/0], recursion: false}]
`, at))
	server := host{}.start(t, func(*process) error {
		_, err := host{}.try(t, "dig", "@127.0.0.1", "-p", port, "+tries=1", "+time=1", "version.bind", "TXT", "CH")
		return err
	}, sextant, "serve", "--config", file("sextant.yaml"))
	subnet := regexp.MustCompile(`CLIENT-SUBNET: (\S+)`)
	from := func(client string) string {
		r := host{}.dig(t, "@127.0.0.1", "-p", port, "www.example.org", "A", "+subnet="+client)
		if len(r.answer) != 1 {
			return r.text
		}
		fields := strings.Fields(r.answer[0])
		scope := subnet.FindStringSubmatch(r.text)
		if scope == nil {
			return r.text
		}
		return fields[len(fields)-1] + " " + scope[1][strings.LastIndex(scope[1], "/"):]
	}
	until := func(client, want string, within time.Duration) {
		t.Helper()
		var got string
		for start := time.Now(); got != want; <-time.After(20 * time.Millisecond) {
			if got = from(client); got != want && time.Since(start) > within {
				t.Fatalf("%s hears %s, want %s", client, got, want)
			}
		}
	}
	const long = 10 * time.Second
	until("203.0.113.0/24", "127.0.0.1 /21", long)
	until("203.0.117.0/24", "127.0.0.1 /21", long)
	until("203.0.121.0/24", "198.51.100.80 /21", long)
	until("8.8.8.0/24", "198.51.100.80 /1", long)

	web.Close()
	until("203.0.113.0/24", "198.51.100.80 /0", long) // and so does the whole world

	write(t, file("example.org.geo"), strings.Replace(overlay, "127.0.0.1\n$AT iad", "127.0.0.2\n$AT iad", 1))
	if err := server.os.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for start := time.Now(); !strings.Contains(server.out.String(), "$EXPECT fails"); <-time.After(20 * time.Millisecond) {
		if time.Since(start) > long {
			t.Fatalf("nothing is said of the expectation:\n%s", server.out.String())
		}
	}
	if got := from("203.0.121.0/24"); got != "198.51.100.80 /0" {
		t.Errorf("after a bad reload: %s", got)
	}
	out, err := host{}.try(t, sextant, "explain", "www.example.org", "--from", "de", "--socket", file("control.sock"))
	if err != nil || !strings.Contains(out, "fra DOWN · iad UP") {
		t.Errorf("explain: %v\n%s", err, out)
	}
	_, err = host{}.try(t, sextant, "geo", "rollback", "--socket", file("control.sock"))
	if err == nil || errors.Is(err, os.ErrNotExist) {
		t.Errorf("there is something to go back to: %v", err)
	}
	if code := server.stop(t, syscall.SIGTERM); code != 0 {
		t.Errorf("sextant serve ended with exit code %d", code)
	}
}
