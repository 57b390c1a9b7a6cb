package scenario

import (
	"context"
	"strings"
	"testing"
	"time"
)

const anchorLines = ";;id: . 1\n;;query_failed: 0\n" +
	". 60 IN DNSKEY 257 3 5 AAAA ;;state=2 [  VALID  ] ;;count=0\n. 60 IN DNSKEY 257 3 5 BBBB ;;state=1 [ ADDPEND ] ;;count=2\n"

func TestTheFileOfTrustAnchorsIsCompared(t *testing.T) {
	t.Parallel()
	change := func(old, with string) string { return strings.Replace(anchorLines, old, with, 1) }
	for _, c := range []struct{ name, file, want string }{
		{"the same", anchorLines, ""},
		{"what does not count", "; people\n;;sextant: 1\n\n" + change("BBBB ;;state", "BBBB ;{id = 1 (ksk), size = 512b}  ;;state") + ";;sha256: 00\n",
			"the file lacks . 60 IN DNSKEY 257 3 5 BBBB ;;state=1"}, // an id is compared
		{"comments, checksum, order of keys, blanks, signers", "; people\n;;sextant: 1\n;;id: . 1\n;;query_failed: 0\n" +
			".\t60\tIN\tDNSKEY\t257 3 5 BBBB ;;state=1 [ ADDPEND ] ;;count=2 ;;signers=1,2\n. 60 IN DNSKEY 257 3 5 AAAA ;;state=2 [  VALID  ] ;;count=0\n;;sha256: 00\n", ""},
		{"another state", change("state=2 [  VALID  ]", "state=3 [ MISSING ]"), "the file lacks . 60 IN DNSKEY 257 3 5 AAAA ;;state=2"},
		{"another count", change("count=2", "count=3"), "the file lacks . 60 IN DNSKEY 257 3 5 BBBB"},
		{"a key less", anchorLines[:strings.LastIndex(anchorLines, ". 60")], "the file lacks . 60 IN DNSKEY 257 3 5 BBBB"},
		{"a key more", anchorLines + ". 60 IN DNSKEY 257 3 5 CCCC\n", "the file has besides . 60 IN DNSKEY 257 3 5 CCCC"},
		{"a failure", change("failed: 0", "failed: 1"), "the file lacks ;;query_failed: 0"},
		{"another order", change(";;id: . 1\n;;query_failed: 0\n", ";;query_failed: 0\n;;id: . 1\n"), "another order"},
	} {
		got := playFile(t, "STEP 1 CHECK_AUTOTRUST f\nFILE_BEGIN\n"+anchorLines+"FILE_END\n", &Clockwork{File: func() string { return c.file }})
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	for _, failed := range []string{"1", "6"} { // how many tries there were is nobody's business
		if got := essence(";;query_failed: " + failed); got[0] != ";;query_failed: some" {
			t.Errorf("got %q", got)
		}
	}
	if got := playFile(t, "STEP 1 CHECK_AUTOTRUST g\nFILE_BEGIN\nFILE_END\n", &Clockwork{File: func() string { return "" }}); !strings.Contains(got, "there is no such file") {
		t.Errorf("another name: got %q", got)
	}
	if got := playFile(t, "STEP 1 CHECK_AUTOTRUST f\nFILE_BEGIN\n${$x}\nFILE_END\n", &Clockwork{File: func() string { return "" }}); !strings.Contains(got, "$x has no value") {
		t.Errorf("a bad macro: got %q", got)
	}
}

// playFile plays steps with a clockwork and is the reason why they fail, if they do.
func playFile(t *testing.T, steps string, w *Clockwork) string {
	t.Helper()
	s, err := Parse("t.rpl", strings.NewReader("AUTOTRUST_FILE f\n. 60 IN DNSKEY 257 3 5 AAAA\nAUTOTRUST_END\nCONFIG_END\nSCENARIO_BEGIN t\n"+steps+"SCENARIO_END\n"))
	if err != nil {
		t.Fatal(err)
	}
	return Play(t, s, func(*Story, *Network) (System, error) { return System{Clockwork: w}, nil }, Comparison{}).Reason
}

// What became due within a step is done at its end, and once.
func TestTheClockworkIsPolledWhenTimeHasPassed(t *testing.T) {
	t.Parallel()
	var polled []time.Time
	start := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // where a bubble's clock begins
	reason := playFile(t, "STEP 1 TIME_PASSES ELAPSE 100\nSTEP 2 ASSIGN a = ${range 60 ${timeout} 60}\nSTEP 3 TIME_PASSES EVAL ${timeout}\nSTEP 4 ASSIGN b = ${range 103 ${time} 166}\n",
		&Clockwork{
			Due: func() (time.Time, bool) {
				return time.Unix(int64(time.Since(start)/time.Second)+60, 0), len(polled) < 9
			},
			Poll: func(context.Context) {
				polled = append(polled, time.Now())
				time.Sleep(3 * time.Second) // it takes its time, and that passes, too
			},
		})
	if reason != "" || len(polled) != 2 || polled[0].Sub(start) != 100*time.Second || polled[1].Sub(start) != 163*time.Second {
		t.Errorf("%s: polled at %v", reason, polled)
	}
}

func TestOneFileOfTrustAnchorsIsEnough(t *testing.T) {
	t.Parallel()
	const file = "AUTOTRUST_FILE f\nAUTOTRUST_END\n"
	if _, err := Parse("t.rpl", strings.NewReader(file+file)); err == nil || !strings.Contains(err.Error(), "a second AUTOTRUST_FILE") {
		t.Errorf("got %v", err)
	}
	s, err := Parse("t.rpl", strings.NewReader("AUTOTRUST_FILE f\nnonsense\nAUTOTRUST_END\nCONFIG_END\nSCENARIO_BEGIN t\nSCENARIO_END\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := setUp(s); err == nil || !strings.Contains(err.Error(), "t.rpl:1:") {
		t.Errorf("got %v", err)
	}
}
