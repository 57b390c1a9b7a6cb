package lookup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// String is the event in one line for people, without its time.
func (e Event) String() string {
	switch e.Kind {
	case EventView:
		return "view " + e.Text
	case EventRule:
		return e.question() + ": DNS64 " + e.Text
	case EventZone:
		return e.question() + ": " + e.Text + to(" in our zone ", e.Target) + rcode(e.Rcode)
	case EventCopy:
		return e.question() + ": our copy of " + e.Target.String() + ": " + e.Text
	case EventSpecial:
		return e.question() + ": special name, answered here: " + e.Text
	case EventFilter, EventScope:
		return e.question() + ": " + e.Text
	case EventHit:
		return e.question() + ": in the cache: " + e.Text + rcode(e.Rcode) + to(" to ", e.Target) + left(e.TTL)
	case EventStale:
		return e.question() + ": in the cache, expired: " + because(e.Text, "given all the same") + rcode(e.Rcode) + to(" to ", e.Target)
	case EventFailure:
		return e.question() + ": has failed lately: " + cause(e.Err)
	case EventFlight:
		return e.question() + ": another query was fetching it and was waited for"
	case EventRefresh:
		return e.question() + ": fetched anew in the background"
	case EventPrime:
		return "the root servers are asked for"
	case EventMinimise:
		return "minimised: the servers of " + e.Target.String() + " get to see only " + e.question()
	case EventAddress:
		return e.question() + ": needed to reach a server of " + e.Target.String() + because(e.Text, "")
	case EventAlias:
		return e.Name.String() + " is an alias of " + e.Target.String()
	case EventDead:
		return e.question() + ": nothing from " + e.Target.String() + ": " + gist(e.Err)
	case EventBudget:
		return "the query has used up its " + e.Text
	}
	return e.path()
}

// path is the text of the events on the way from server to server.
func (e Event) path() string {
	switch e.Kind {
	case EventCut:
		return fmt.Sprintf("%s: start at %s (%s%s)", e.question(), e.Target, plural(e.Count, "name server"), left(e.TTL))
	case EventOverride:
		return fmt.Sprintf("%s: %s zone %s (%s)", e.question(), e.Text, e.Target, plural(e.Count, "server"))
	case EventServer:
		return fmt.Sprintf("%s  %s (%s)", e.Server, e.question(), joined(e.Text, expected(e.Took)))
	case EventExchange:
		return fmt.Sprintf("%s  %s", e.Server, e.outcome())
	case EventVerdict:
		return e.Text + rcode(e.Rcode) + to(" to ", e.Target) + servers(e.Count) + lasting(e.TTL)
	case EventSecurity:
		about := e.question()
		if e.Name == "" {
			about = e.Target.String()
		}
		if e.TTL > 0 {
			about = about + ": in memory" + left(e.TTL)
		}
		return about + ": " + e.Text + because(cause(e.Err), "")
	}
	return e.Kind.String() + " " + e.Text
}

// question is the name and type at hand; the type may be missing.
func (e Event) question() string {
	if e.Type == TypeNone {
		return e.Name.String()
	}
	return e.Name.String() + " " + e.Type.String()
}

// outcome is how an exchange has ended.
func (e Event) outcome() string {
	var b strings.Builder
	switch {
	case errors.Is(e.Err, os.ErrDeadlineExceeded), errors.Is(e.Err, context.DeadlineExceeded):
		b.WriteString("no reply")
	case e.Err != nil:
		b.WriteString(e.Err.Error())
	default:
		b.WriteString(e.Rcode.String())
	}
	for _, m := range []struct {
		mark Marks
		text string
	}{
		{MarkAA, " aa"}, {MarkTC, " tc"}, {MarkTCP, " over TCP"}, {MarkNoEDNS, ", asked without EDNS"},
		{MarkSuspect, ", a reply over UDP looked forged"}, {MarkShared, ", a reply to another query's message"},
	} {
		if e.Marks&m.mark != 0 {
			b.WriteString(m.text)
		}
	}
	if e.Count > 0 {
		b.WriteString(", " + plural(e.Count, "octet"))
	}
	return b.String() + ", " + milliseconds(e.Took)
}

func rcode(r Rcode) string {
	if r == NOERROR {
		return ""
	}
	return " (" + r.String() + ")"
}

func to(word string, name Name) string {
	if name == "" {
		return ""
	}
	return word + name.String()
}

func left(ttl time.Duration) string {
	if ttl <= 0 {
		return ""
	}
	return ", " + plural(int(ttl/time.Second), "second") + " left"
}

func lasting(ttl time.Duration) string {
	if ttl <= 0 {
		return ""
	}
	return ", TTL " + fmt.Sprint(int(ttl/time.Second))
}

func servers(n int) string {
	if n == 0 {
		return ""
	}
	return ", " + plural(n, "name server")
}

func expected(rtt time.Duration) string {
	if rtt == 0 {
		return ""
	}
	return milliseconds(rtt) + " as a rule"
}

// joined is the texts that are not empty.
func joined(texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(s string) bool { return s == "" }), ", ")
}

// because is the text behind a colon, or otherwise when there is none.
func because(text, otherwise string) string {
	switch {
	case text == "":
		return otherwise
	case otherwise == "":
		return ": " + text
	}
	return otherwise + ": " + text
}

func cause(err error) string {
	if err == nil {
		return ""
	}
	if f, ok := errors.AsType[*Failure](err); ok {
		return "EDE " + f.EDE.String()
	}
	return err.Error()
}

// gist is the cause without its details, which other events have told.
func gist(err error) string {
	if f, ok := errors.AsType[*Failure](err); ok {
		what, _, _ := strings.Cut(f.EDE.Text, ": ")
		return "EDE " + EDE{Code: f.EDE.Code, Text: what}.String()
	}
	return cause(err)
}

func plural(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// milliseconds is a duration as people compare them.
func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}
