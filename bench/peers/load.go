package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"regexp"
	"strconv"
	"time"

	"github.com/miekg/dns"
)

// A sample is what one run of dnsperf against one server was, and what it cost.
type sample struct {
	answered, lost int
	noerror        float64 // share of the answers, 0 to 1
	octets         int     // of an answer, on average
	took           time.Duration

	cpu      time.Duration // of the server
	kernel   time.Duration // of cpu
	upstream int           // messages that the server has sent to name servers
	grown    int           // octets that the server's RSS has grown by

	alone       time.Duration // CPU of an answer with one thread, where there are more now
	waits       waits         // where answers are timed
	collections int           // of garbage meanwhile
}

func (s sample) perQuery() time.Duration { return s.cpu / time.Duration(max(1, s.answered)) }
func (s sample) rate() float64           { return float64(s.answered) / max(s.took.Seconds(), 1e-9) }

// good says whether the figures count: nearly everything was answered, and well.
func (s sample) good() error {
	asked := s.answered + s.lost
	if s.answered == 0 || s.lost*100 > asked || s.noerror < 0.999 {
		return fmt.Errorf("%d of %d questions were answered, %.2f %% of them with NOERROR", s.answered, asked, 100*s.noerror)
	}
	return nil
}

// load runs dnsperf on core 1 against a server: 100 questions at a time, which the
// receive buffer of any server has room for, so that hardly any is lost.
func load(ctx context.Context, at netip.AddrPort, args ...string) (sample, error) {
	out, err := exec.CommandContext(ctx, "taskset", dnsperf(at, args...)...).CombinedOutput()
	if err != nil {
		return sample{}, fmt.Errorf("dnsperf: %w\n%s", err, out)
	}
	return parseDnsperf(string(out))
}

// dnsperf are taskset's arguments; later flags win over those that are here.
func dnsperf(at netip.AddrPort, args ...string) []string {
	return append([]string{"-c", "1", "dnsperf", "-s", at.Addr().String(), "-p", strconv.Itoa(int(at.Port())),
		"-c", "8", "-T", "1", "-q", "100", "-t", "10"}, args...)
}

func parseDnsperf(out string) (sample, error) {
	var wrong []error
	number := func(pattern string, optional bool) float64 {
		m := regexp.MustCompile(pattern).FindStringSubmatch(out)
		if m == nil {
			if !optional {
				wrong = append(wrong, fmt.Errorf("dnsperf does not say %q:\n%s", pattern, out))
			}
			return 0
		}
		n, err := strconv.ParseFloat(m[1], 64)
		wrong = append(wrong, err)
		return n
	}
	s := sample{
		answered: int(number(`Queries completed:\s+(\d+)`, false)),
		lost:     int(number(`Queries lost:\s+(\d+)`, false)),
		noerror:  number(`NOERROR \d+ \(([0-9.]+)%\)`, true) / 100,
		octets:   int(number(`packet size:.*response (\d+)`, true)),
		took:     time.Duration(number(`Run time \(s\):\s+([0-9.]+)`, false) * float64(time.Second)),
	}
	return s, errors.Join(wrong...)
}

// ask puts one question, with AD so that the answer may have it (RFC 6840 5.7), and
// returns the reply only if there is an answer in it.
func ask(ctx context.Context, at netip.AddrPort, name string, qtype uint16) (*dns.Msg, error) {
	q := new(dns.Msg).SetQuestion(name, qtype)
	q.AuthenticatedData = true
	client := dns.Client{Timeout: 5 * time.Second}
	r, _, err := client.ExchangeContext(ctx, q, at.String())
	if err != nil {
		return nil, err
	}
	if r.Rcode != dns.RcodeSuccess || len(r.Answer) == 0 {
		return nil, fmt.Errorf("%s %s at %s: %s, %d RRs", name, dns.TypeToString[qtype], at, dns.RcodeToString[r.Rcode], len(r.Answer))
	}
	return r, nil
}

// soa is nil when the server at has the zone.
func soa(ctx context.Context, at netip.AddrPort, zone string) error {
	_, err := ask(ctx, at, zone, dns.TypeSOA)
	return err
}
