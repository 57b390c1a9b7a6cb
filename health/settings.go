package health

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Defaults of Settings, and of Targets whose fields are zero. A file is not measured:
// what it says is a decision, so it counts at once, and is looked at often.
const (
	DefaultFall     = 3
	DefaultRise     = 2
	DefaultInterval = 10 * time.Second
	DefaultTimeout  = 3 * time.Second

	DefaultFileInterval = 2 * time.Second
)

// Bounds of Settings.
const (
	MaxThreshold = 100
	MinInterval  = time.Second
	MaxInterval  = time.Hour
	MinTimeout   = 100 * time.Millisecond
	MaxTimeout   = time.Minute
)

// Settings are what is said of the checks of a site.
type Settings struct {
	Check Check
	State Admin // auto, unless something else is forced

	Rise, Fall        int // results in a row that change the state
	Interval, Timeout time.Duration
}

// Pair is a key with its value, without quotes.
type Pair struct{ Key, Value string }

// PairError says what is wrong with one of the pairs that were given.
type PairError struct {
	Index  int    // of the pair
	Key    string // of the pair
	Reason string // for people
}

// Error is the key and the reason.
func (e *PairError) Error() string { return e.Key + ": " + e.Reason }

// Keys are the keys that ParseSettings knows.
func Keys() []string {
	return []string{"check", "state", "rise", "fall", "interval", "timeout",
		"host", "method", "status", "match", "regexp", "ca", "insecure"}
}

// ParseSettings reads the pairs of a line that describes a site. What is not given is
// the default. Keys in others are somebody else's, and left alone. Everything that is
// wrong is in the error: PairErrors, joined.
func ParseSettings(pairs []Pair, others ...string) (Settings, error) {
	var s Settings
	var wrong []error
	seen, broken := map[string]bool{}, false
	fail := func(i int, err error) {
		if err != nil {
			wrong = append(wrong, &PairError{Index: i, Key: pairs[i].Key, Reason: err.Error()})
		}
	}
	own := map[string]bool{}
	for _, k := range Keys() {
		own[k] = true
	}
	for _, k := range others {
		own[k] = false
	}
	for i, p := range pairs {
		mine, known := own[p.Key]
		switch {
		case !known:
			fail(i, fmt.Errorf("unknown key; want one of %s%s", strings.Join(Keys(), ", "), suggest(p.Key, append(Keys(), others...)...)))
		case !mine:
			continue
		case seen[p.Key]:
			fail(i, errors.New("is given twice"))
		}
		seen[p.Key] = true
		if p.Key == "check" { // before the keys that are about it
			var err error
			s.Check, err = ParseCheck(p.Value)
			fail(i, err)
			broken = err != nil
		}
	}
	for i, p := range pairs {
		if own[p.Key] && p.Key != "check" && !(broken && isCheckKey(p.Key)) {
			fail(i, s.set(p.Key, p.Value))
		}
	}
	if s.Interval != 0 && s.Timeout > s.Interval {
		for i, p := range pairs {
			if p.Key == "timeout" {
				fail(i, fmt.Errorf("%s; want at most the interval, %s", s.Timeout, s.Interval))
			}
		}
	}
	if len(wrong) > 0 {
		return Settings{}, errors.Join(wrong...)
	}
	s.fill()
	return s, nil
}

// set notes the value of a key other than check.
func (s *Settings) set(key, value string) (err error) {
	switch key {
	case "state":
		s.State, err = ParseAdmin(value)
	case "rise":
		s.Rise, err = parseThreshold(value)
	case "fall":
		s.Fall, err = parseThreshold(value)
	case "interval":
		s.Interval, err = parseTime(value, MinInterval, MaxInterval)
	case "timeout":
		s.Timeout, err = parseTime(value, MinTimeout, MaxTimeout)
	default:
		err = s.Check.set(key, value)
	}
	return err
}

// fill puts the defaults where nothing is set.
func (s *Settings) fill() {
	t := Target{Rise: s.Rise, Fall: s.Fall, Interval: s.Interval, Timeout: s.Timeout}
	t.fill(s.Check.kind)
	s.Rise, s.Fall, s.Interval, s.Timeout = t.Rise, t.Fall, t.Interval, t.Timeout
}

// Target is an address of a site that is checked as s says.
func (s Settings) Target(site string, addr netip.Addr) Target {
	return Target{Site: site, Addr: addr, Check: s.Check.String(), State: s.State,
		Rise: s.Rise, Fall: s.Fall, Interval: s.Interval, Timeout: s.Timeout}
}

// Target is one thing that is checked. It is its own identity, less State: two Targets
// that are the same otherwise are checked once.
type Target struct {
	Site  string     // name of the site
	Addr  netip.Addr // that is served, and checked
	Check string     // as ParseCheck reads it; "": none

	// Zero fields have the defaults. Settings.Target gives them what is written.
	Rise, Fall        int
	Interval, Timeout time.Duration

	State Admin // what is written of the site; what an operator says at run time goes before it
}

// key is t as what it is known by.
func (t Target) key() Target {
	t.State = Auto
	return t
}

// fill puts the defaults where nothing is set, and bounds where they are broken.
func (t *Target) fill(k Kind) {
	rise, fall, interval := DefaultRise, DefaultFall, DefaultInterval
	if k == File {
		rise, fall, interval = 1, 1, DefaultFileInterval
	}
	if t.Rise == 0 {
		t.Rise = rise
	}
	if t.Fall == 0 {
		t.Fall = fall
	}
	if t.Interval == 0 {
		t.Interval = max(interval, t.Timeout)
	}
	if t.Timeout == 0 {
		t.Timeout = min(DefaultTimeout, t.Interval)
	}
	t.Rise, t.Fall = min(max(t.Rise, 1), MaxThreshold), min(max(t.Fall, 1), MaxThreshold)
	t.Interval = min(max(t.Interval, MinInterval), MaxInterval)
	t.Timeout = min(max(t.Timeout, MinTimeout), MaxTimeout, t.Interval)
}

func parseThreshold(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > MaxThreshold {
		return 0, fmt.Errorf("%q; want a number of checks in a row, 1 to %d", text, MaxThreshold)
	}
	return n, nil
}

func parseTime(text string, least, most time.Duration) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < least || d > most {
		return 0, fmt.Errorf("%q; want a time from %s to %s, such as 10s", text, least, most)
	}
	return d, nil
}

// isCheckKey says whether the key is about the request of a check.
func isCheckKey(key string) bool {
	switch key {
	case "host", "method", "status", "match", "regexp", "ca", "insecure":
		return true
	}
	return false
}

// set notes the value of a key that is about the request.
func (c *Check) set(key, value string) (err error) {
	switch {
	case !isCheckKey(key):
		return fmt.Errorf("unknown key%s", suggest(key, "host", "method", "status", "match", "regexp", "ca", "insecure"))
	case c.kind != HTTP && c.kind != HTTPS:
		return fmt.Errorf("is for http and https checks, and this one is %s", c.kind)
	case c.kind != HTTPS && (key == "ca" || key == "insecure"):
		return errors.New("is for https checks")
	}
	if err := plain(value); err != nil {
		return err
	}
	switch key {
	case "host":
		return c.setHost(value)
	case "method":
		if c.method = strings.ToUpper(value); c.method != "GET" && c.method != "HEAD" {
			err = fmt.Errorf("%q; want GET or HEAD", value)
		}
	case "status":
		c.status, err = parseStatus(value)
	case "match":
		c.match = value
	case "regexp":
		if c.pattern, err = regexp.Compile(value); err != nil {
			err = fmt.Errorf("%w; want a regular expression of RE2", err)
		}
	case "ca":
		if c.ca = value; !strings.HasPrefix(value, "/") {
			err = fmt.Errorf("%q; want the absolute path of a file with certificates", value)
		}
	case "insecure":
		switch value {
		case "yes":
			c.insecure = true
		case "no":
			c.insecure = false
		default:
			err = fmt.Errorf("%q; want yes or no", value)
		}
	}
	if err == nil && c.method == "HEAD" && (c.match != "" || c.pattern != nil) {
		err = errors.New("HEAD brings no body, and nothing can match there")
	}
	return err
}

// plain is why a value is no text that could stand in a check.
func plain(value string) error {
	if len(value) > maxText {
		return fmt.Errorf("%d octets; want at most %d", len(value), maxText)
	}
	if _, err := split(quote(value)); err != nil || value == "" {
		return fmt.Errorf("%q; want text without control characters", value)
	}
	return nil
}

func (c *Check) setHost(value string) error {
	if !isHost(value) {
		return fmt.Errorf("%q; want the name of a host", value)
	}
	if value = strings.ToLower(value); c.host != "" && c.host != value {
		return fmt.Errorf("%q, but the URL says %q; want one of them", value, c.host)
	}
	c.host = value
	return nil
}

// parseStatus reads HTTP statuses: 200-299,304.
func parseStatus(text string) (all []statusRange, err error) {
	for part := range strings.SplitSeq(text, ",") {
		first, last, found := strings.Cut(part, "-")
		if !found {
			last = first
		}
		r := statusRange{}
		var wrong error
		if r.first, err = strconv.Atoi(first); err == nil {
			r.last, wrong = strconv.Atoi(last)
		}
		if err != nil || wrong != nil || r.first < 100 || r.last > 599 || r.first > r.last {
			return nil, fmt.Errorf("%q; want statuses from 100 to 599, such as 200-299,304", text)
		}
		all = append(all, r)
	}
	if len(all) == 1 && all[0] == (statusRange{200, 299}) {
		return nil, nil // the default
	}
	return all, nil
}

func statusText(all []statusRange) string {
	var parts []string
	for _, r := range all {
		if r.first == r.last {
			parts = append(parts, strconv.Itoa(r.first))
		} else {
			parts = append(parts, fmt.Sprintf("%d-%d", r.first, r.last))
		}
	}
	return strings.Join(parts, ",")
}

// expects says whether the check passes with this HTTP status.
func (c Check) expects(status int) bool {
	if len(c.status) == 0 {
		return status >= 200 && status <= 299
	}
	for _, r := range c.status {
		if r.first <= status && status <= r.last {
			return true
		}
	}
	return false
}
