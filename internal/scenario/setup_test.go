package scenario

import (
	"errors"
	"strings"
	"testing"
)

func setUpText(t *testing.T, config string) (*setup, error) {
	t.Helper()
	s, err := Parse("t.rpl", strings.NewReader(config+"\nCONFIG_END\nSCENARIO_BEGIN t\nSCENARIO_END\n"))
	if err != nil {
		t.Fatal(err)
	}
	return setUp(s)
}

func TestAnOptionThatIsInNoListIsAnError(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ config, want string }{
		{"server:\n\tqname-minimization: no", "t.rpl:1: line 2: option qname-minimization is in no list"},
		{"stub-zone:\n\tname: .\n\tstub-color: red", "line 3: option stub-color"},
		{"server:\n\tmodule-config: \"iterator oracle\"", "no module is called oracle"},
		{"server:\n\taccess-control: everybody allow", "everybody"},
		{"cachedb:", "no section is called cachedb"},
	} {
		_, err := setUpText(t, c.config)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v, want one with %q", c.config, err, c.want)
		}
		if _, ok := errors.AsType[*NotApplicable](err); ok {
			t.Errorf("%q counts as not applicable", c.config)
		}
	}
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	t.Parallel()
	_, err := setUpText(t, "server:\n\tserve-original-ttl: yes\n\tdo-nat64: yes\n\tdo-ip6: no\n")
	n, ok := errors.AsType[*NotApplicable](err)
	if !ok || n.Need != "feature:serve-original-ttl feature:nat64" {
		t.Errorf("got %v", err)
	}
	s, err := setUpText(t, "server:\n\tdo-nat64: no\n\tdo-ip6: no\n\tmax-global-quota: 7\nstub-zone: name: \".\" stub-addr: 192.0.2.1")
	if err != nil || !s.noIPv6 || s.quota != 7 || len(s.roots) != 1 || s.prime {
		t.Errorf("got %+v, %v", s, err)
	}
}

// Every option of the third-party stories is in a list.
func TestEveryThirdPartySettingIsKnown(t *testing.T) {
	t.Parallel()
	for _, path := range thirdParty(t) {
		s, err := ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = setUp(s); err == nil {
			continue
		}
		if _, ok := errors.AsType[*NotApplicable](err); !ok {
			t.Error(err)
		}
	}
}
