//go:build e2e

package e2e_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sextant-dns/sextant/anchors"
	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
)

// The history of trust anchors that Sextant writes is one that Unbound can go on
// with: who changes from one to the other begins no hold-down anew.
func TestUnboundReadsOurTrustAnchors(t *testing.T) {
	needs(t, "root", "ip", "unbound")
	t.Parallel()
	dir, zone := t.TempDir(), lookup.MustName("example.")
	p := anchors.Point{Zone: zone, Queried: time.Now(), Succeeded: time.Now(), Next: time.Now().Add(time.Hour), Interval: 12 * time.Hour, Retry: time.Hour}
	var tags []uint16
	for _, state := range []anchors.State{anchors.Valid, anchors.AddPend, anchors.Missing, anchors.Revoked} {
		flags := dnssec.FlagZone | dnssec.FlagSEP
		if state == anchors.Revoked {
			flags |= dnssec.FlagRevoke
		}
		s, err := dnssec.GenerateKey(zone, dnssec.ED25519, flags)
		if err != nil {
			t.Fatal(err)
		}
		k := anchors.Key{Type: lookup.TypeDNSKEY, Rdata: s.Key.Rdata, TTL: 3600, State: state, Changed: time.Now()}
		if state == anchors.AddPend {
			k.Seen, k.Signers = 3, tags
		}
		p.Keys, tags = append(p.Keys, k), append(tags, s.Key.Tag)
	}
	m := anchors.Memory{Points: []anchors.Point{p}, Negative: []anchors.Negative{{Zone: lookup.MustName("bad.example."), Until: time.Now()}}}
	state := filepath.Join(dir, "state")
	write(t, state, m.String())
	config := filepath.Join(dir, "unbound.conf")
	write(t, config, fmt.Sprintf(`server:
	verbosity: 4
	use-syslog: no
	logfile: ""
	chroot: ""
	username: ""
	pidfile: ""
	directory: %q
	auto-trust-anchor-file: %q
remote-control:
	control-enable: no
`, dir, state))
	h := newHost(t, "anchors")
	u := h.start(t, func(u *process) error {
		if !strings.Contains(u.out.String(), "start of service") {
			return fmt.Errorf("it has not begun its service")
		}
		return nil
	}, "unbound", "-d", "-c", config)
	log := u.out.String()
	for i, want := range []string{
		";;state:2 ;;pending_count:0", ";;state:1 ;;pending_count:3", ";;state:3 ;;pending_count:0", ";;state:4 ;;pending_count:0",
	} {
		line := fmt.Sprintf("{id = %d (ksk), size = 256b} %s", tags[i], want)
		if !strings.Contains(log, line) {
			t.Errorf("Unbound does not say %s", line)
		}
	}
	if want := "trust point example. : 1"; !strings.Contains(log, want) {
		t.Errorf("Unbound does not say %s", want)
	}
}
