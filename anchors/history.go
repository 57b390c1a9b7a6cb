package anchors

import (
	"strconv"
	"strings"
	"time"
)

// history is what Unbound's format writes behind a key, in comments.
type history struct {
	state   State
	seen    int
	changed time.Time
	signers []uint16
}

// historyOf reads the comments of an RR; ok is false when they tell no state. What
// is written there in a form that is not known is left out: only the state counts
// for those who want trust anchors and no history.
func historyOf(comment string) (h history, ok bool) {
	h, err := parseHistory(comment)
	return h, err == nil && strings.Contains(comment, ";;state=")
}

// parseHistory reads ;;state=2 [  VALID  ] ;;count=0 ;;lastchange=1251100000 ;;Mon
// Aug 24 07:46:40 2009, and ;;signers=1,2 of ours.
func parseHistory(comment string) (h history, err error) {
	h.state = Valid // as configured
	for field := range strings.SplitSeq(comment, ";;") {
		key, value, ok := strings.Cut(strings.TrimSpace(field), "=")
		if !ok {
			continue
		}
		value, _, _ = strings.Cut(value, " ")
		var n int64
		switch key {
		case "state":
			n, err = parseNumber(value, int64(Removed))
			h.state = State(n)
		case "count":
			n, err = parseNumber(value, 1<<31-1)
			h.seen = int(n)
		case "lastchange":
			n, err = parseNumber(value, maxUnix)
			h.changed = unix(n)
		case "signers":
			for tag := range strings.SplitSeq(value, ",") {
				if n, err = parseNumber(tag, 0xffff); err != nil {
					break
				}
				h.signers = append(h.signers, uint16(n))
			}
		}
		if err != nil {
			return h, err
		}
	}
	return h, nil
}

// maxUnix is the end of the year 9999: nobody's clock is beyond.
const maxUnix = 253402300799

// parseNumber reads a decimal number from 0 to most.
func parseNumber(text string, most int64) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err == nil && (n < 0 || n > most) {
		err = strconv.ErrRange
	}
	return n, err
}

// unix is a time in seconds since 1970; 0 is no time.
func unix(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// seconds undoes unix.
func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
