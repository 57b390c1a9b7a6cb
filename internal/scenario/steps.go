package scenario

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// step reads a step whose line has the words after STEP.
func (p *parser) step(words []string, line string) error {
	if len(words) < 2 {
		return errors.New("STEP needs a number and a kind")
	}
	s := Step{Line: p.number, Kind: Kind(words[1])}
	var err error
	if s.Number, err = strconv.Atoi(words[0]); err != nil {
		return err
	}
	if n := len(p.story.Steps); n > 0 && s.Number <= p.story.Steps[n-1].Number {
		return fmt.Errorf("step %d comes after step %d", s.Number, p.story.Steps[n-1].Number)
	}
	words = words[2:]
	if i := slices.IndexFunc(words, func(w string) bool { return w[0] == ';' || w[0] == '#' }); i >= 0 {
		words = words[:i]
	}
	switch s.Kind {
	case Nothing, Timeout, Failed, Traffic:
		err = none(words)
	case Query, CheckAnswer, CheckOutQuery, Reply:
		err = p.stepEntry(&s, words)
	case TimePasses:
		err = s.timePasses(words)
	case Assign:
		err = s.assign(words)
	case CheckAutotrust, CheckTempfile:
		s.Args = words
		err = p.stepText(&s)
	case InfraRTT, FlushMessage, ExpireMessage:
		s.Args = words
		if len(words) != 3 {
			err = fmt.Errorf("%s takes three words", s.Kind)
		}
	default:
		err = fmt.Errorf("no kind of step: %q", line)
	}
	p.story.Steps = append(p.story.Steps, s)
	return err
}

func none(words []string) error {
	if len(words) > 0 {
		return fmt.Errorf("surplus words %q", words)
	}
	return nil
}

// stepEntry reads the entry of a step and, before it, perhaps an address.
func (p *parser) stepEntry(s *Step, words []string) (err error) {
	if len(words) == 2 && words[0] == "ADDRESS" {
		if s.Addr, err = netip.ParseAddr(words[1]); err != nil {
			return err
		}
		words = nil
	}
	if err := none(words); err != nil {
		return err
	}
	for {
		line, err := p.statement()
		if err != nil {
			return err
		}
		if fields := strings.Fields(line); fields[0] == "$ORIGIN" || fields[0] == "$TTL" {
			if err := p.zone.directive(fields); err != nil {
				return err
			}
			continue
		}
		if line != "ENTRY_BEGIN" {
			return fmt.Errorf("%q where ENTRY_BEGIN should be", line)
		}
		s.Entry, err = p.entry()
		return err
	}
}

// stepText reads the text between FILE_BEGIN and FILE_END.
func (p *parser) stepText(s *Step) error {
	line, err := p.statement()
	if err != nil {
		return err
	}
	if line != "FILE_BEGIN" {
		return fmt.Errorf("%q where FILE_BEGIN should be", line)
	}
	s.Text, err = p.until("FILE_END")
	return err
}

func (s *Step) timePasses(words []string) error {
	if len(words) < 2 {
		return errors.New("TIME_PASSES needs ELAPSE or EVAL and how long")
	}
	if words[0] == "EVAL" {
		s.Macro = strings.Join(words[1:], " ")
		return nil
	}
	seconds, err := strconv.ParseFloat(words[1], 64)
	if words[0] != "ELAPSE" || len(words) != 2 || err != nil || !(seconds >= 0 && seconds < 1e10/2) {
		return fmt.Errorf("TIME_PASSES ELAPSE and a number of seconds, not %q", words)
	}
	s.Pass = time.Duration(seconds * float64(time.Second))
	return nil
}

func (s *Step) assign(words []string) error {
	if len(words) < 3 || words[1] != "=" {
		return errors.New("ASSIGN needs a name, = and a value")
	}
	s.Var, s.Macro = words[0], strings.Join(words[2:], " ")
	return nil
}
