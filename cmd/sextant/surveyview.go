package main

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/sextant-dns/sextant/control"
	"github.com/sextant-dns/sextant/geo"
	"github.com/sextant-dns/sextant/survey"
	"github.com/sextant-dns/sextant/worldmap"
)

// surveyView is a survey as it is printed.
type surveyView struct {
	Question string          `json:"question"`
	Server   string          `json:"server"`
	Queries  int             `json:"queries"`
	Answers  []surveyAnswer  `json:"answers"`
	Scopes   []surveyScope   `json:"scopes"`
	Networks []surveyNetwork `json:"networks"`
	Unasked  []netip.Prefix  `json:"unasked,omitempty"`
	Silent   []netip.Prefix  `json:"silent,omitempty"`
	Problems []surveyProblem `json:"problems,omitempty"`

	where func(netip.Addr) survey.Place
	every bool // each scope is printed
}

type surveyAnswer struct {
	Answer    string            `json:"answer"`
	Scopes    int               `json:"scopes"`
	Share     float64           `json:"share"`
	Countries []survey.Count    `json:"countries,omitempty"`
	ASes      []survey.Count    `json:"ases,omitempty"`
	Times     map[string]string `json:"times,omitempty"`

	addresses []string
}

type surveyScope struct {
	Network netip.Prefix `json:"network"`
	Source  netip.Prefix `json:"source"`
	Scope   int          `json:"scope"`
	Answer  string       `json:"answer"`
	TTL     uint32       `json:"ttl"`
	Took    float64      `json:"took_ms"`
	Country string       `json:"country,omitempty"`
	AS      string       `json:"as,omitempty"`
}

// surveyNetwork is scopes with the same answer that are neighbours.
type surveyNetwork struct {
	Network netip.Prefix `json:"network"`
	Answer  string       `json:"answer"`
	Scopes  int          `json:"scopes"`
	Wants   bool         `json:"wants_more,omitempty"`

	depth int
}

type surveyProblem struct {
	Kind string `json:"kind"`
	RFC  string `json:"rfc,omitempty"`
	Text string `json:"text"`
}

func (s *surveying) view(ctx context.Context, question string, server netip.AddrPort, r *survey.Result, atlas *geo.Atlas, to reach) *surveyView {
	v := &surveyView{Question: question, Server: server.String(), Queries: r.Queries, Unasked: r.Unasked, Silent: r.Silent, where: whereabouts(atlas), every: s.all}
	summaries := r.Summaries(v.where)
	var all []string
	for _, a := range summaries {
		all = append(all, a.Answers...)
	}
	times := measure(ctx, to, all)
	for _, a := range summaries {
		one := surveyAnswer{Answer: a.Answer, Scopes: a.Networks, Share: a.Share, Countries: a.Countries, ASes: a.ASes, addresses: a.Answers}
		for _, address := range a.Answers {
			if took := times[address]; took != "" {
				if one.Times == nil {
					one.Times = map[string]string{}
				}
				one.Times[address] = took
			}
		}
		v.Answers = append(v.Answers, one)
	}
	for _, g := range r.Regions {
		scope := surveyScope{Network: g.Network, Source: g.Source, Scope: g.Scope, Answer: g.Answer(), TTL: g.TTL, Took: float64(g.Took.Microseconds()) / 1000}
		if v.where != nil {
			place := v.where(g.Source.Addr())
			scope.Country, scope.AS = place.Country, place.AS
		}
		v.Scopes = append(v.Scopes, scope)
	}
	for _, j := range r.Joined() {
		v.Networks = append(v.Networks, surveyNetwork{Network: j.Network, Answer: j.Answer, Scopes: j.Scopes, Wants: j.Wants, depth: j.Depth})
	}
	for _, p := range r.Problems {
		v.Problems = append(v.Problems, surveyProblem{p.Kind.String(), p.Breaches, p.String()})
	}
	return v
}

// text prints the answers, then the networks, then what is wrong and what is missing.
func (v *surveyView) text(out io.Writer, paint control.Paint) error {
	fmt.Fprintf(out, "%s at %s: %s, %s, %s\n\n", v.Question, v.Server, counted(v.Queries, "query", "queries"), counted(len(v.Scopes), "scope", "scopes"), counted(len(v.Answers), "answer", "answers"))
	rows := [][]string{{"ANSWER", "SCOPES", "SHARE", "COUNTRIES", "AS", "TIME"}}
	for _, a := range v.Answers {
		rows = append(rows, []string{a.Answer, strconv.Itoa(a.Scopes), portion(a.Share), few(a.Countries), few(a.ASes), a.times()})
	}
	if err := columns(out, told(rows)); err != nil {
		return err
	}
	rows = [][]string{{""}, {"NETWORK", "ANSWER"}}
	for _, s := range v.Scopes {
		if v.every {
			rows = append(rows, []string{s.Network.String(), s.Answer, fmt.Sprintf("asked as %s, SCOPE %d", s.Source, s.Scope), s.Country, s.AS})
		}
	}
	for _, n := range v.Networks {
		if !v.every {
			rows = append(rows, []string{strings.Repeat("  ", n.depth) + n.Network.String(), n.Answer, n.remark()})
		}
	}
	if err := columns(out, rows); err != nil {
		return err
	}
	for _, p := range v.Problems {
		section := ""
		if p.RFC != "" {
			section = " (" + p.RFC + ")"
		}
		fmt.Fprintf(out, "%s: %s%s\n", paint(control.Bad, p.Kind), p.Text, section)
	}
	v.list(out, "no reply when asked as", v.Silent)
	v.list(out, "not asked, for --most was reached", v.Unasked)
	return nil
}

// columns prints rows in columns, without blanks at the ends of lines.
func columns(out io.Writer, rows [][]string) error {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(b.String()) {
		if _, err := fmt.Fprintln(out, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}

// list is some of networks in a line.
func (v *surveyView) list(out io.Writer, what string, all []netip.Prefix) {
	const most = 8
	if len(all) == 0 {
		return
	}
	more := ""
	if len(all) > most {
		more = fmt.Sprintf(" and %d more", len(all)-most)
	}
	fmt.Fprintf(out, "%s: %s%s\n", what, strings.Trim(fmt.Sprint(all[:min(len(all), most)]), "[]"), more)
}

func (n *surveyNetwork) remark() string {
	switch {
	case n.Wants:
		return "and less: SCOPE is longer than what was told"
	case n.Scopes > 1:
		return fmt.Sprintf("%d scopes", n.Scopes)
	}
	return ""
}

// few is the most frequent of some values.
func few(all []survey.Count) string {
	const most = 4
	var texts []string
	for _, c := range all[:min(len(all), most)] {
		texts = append(texts, c.Value+":"+strconv.Itoa(c.N))
	}
	if len(all) > most {
		texts = append(texts, "…")
	}
	return strings.Join(texts, " ")
}

func (a *surveyAnswer) times() string {
	var texts []string
	for _, address := range a.addresses {
		if took := a.Times[address]; took != "" {
			texts = append(texts, took)
		}
	}
	return strings.Join(texts, ", ")
}

// csv prints a line for each scope, below one that says what is in it.
func (v *surveyView) csv(out io.Writer) error {
	w := csv.NewWriter(out)
	_ = w.Write([]string{"network", "source", "scope", "answer", "ttl", "took_ms", "country", "as"}) // Error tells
	for _, s := range v.Scopes {
		_ = w.Write([]string{s.Network.String(), s.Source.String(), strconv.Itoa(s.Scope), s.Answer, strconv.Itoa(int(s.TTL)), strconv.FormatFloat(s.Took, 'f', -1, 64), s.Country, s.AS})
	}
	w.Flush()
	return w.Error()
}

func (v *surveyView) svgFile(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	_, err = v.world().WriteTo(f)
	return errors.Join(err, f.Close())
}

// spot is a place on the map to which networks belong that have one answer.
type spot struct {
	lat, long float64
	group     int
}

// world is a map with a mark where there are networks with an answer, and a ring where
// the answer's addresses are.
func (v *surveyView) world() worldmap.Map {
	m := worldmap.Map{Title: v.Question + " at " + v.Server, Note: fmt.Sprintf("%d queries, %d scopes. Discs: who gets the answer; rings: where its addresses are. Land: Natural Earth.", v.Queries, len(v.Scopes))}
	group := map[string]int{}
	for i, a := range v.Answers {
		group[a.Answer] = i
		m.Groups = append(m.Groups, fmt.Sprintf("%s (%.1f %%) %s", a.Answer, 100*a.Share, a.times()))
		for _, text := range a.addresses {
			addr, err := netip.ParseAddr(text)
			if err != nil {
				continue
			}
			if place := v.where(addr); place.Located {
				m.Marks = append(m.Marks, worldmap.Mark{Lat: place.Lat, Long: place.Long, Group: i, Target: true, Text: text + " " + place.Country})
			}
		}
	}
	spots := map[spot][]string{}
	for _, s := range v.Scopes {
		if place := v.where(s.Source.Addr()); place.Located {
			at := spot{math.Round(place.Lat), math.Round(place.Long), group[s.Answer]}
			spots[at] = append(spots[at], s.Network.String()+" "+place.Country)
		}
	}
	for at, networks := range spots {
		const most = 10
		text := v.Answers[at.group].Answer + ": " + strings.Join(networks[:min(len(networks), most)], ", ")
		// Those of several answers stand beside each other at one place.
		m.Marks = append(m.Marks, worldmap.Mark{Lat: at.lat, Long: min(180, at.long+0.8*float64(at.group%8)), Group: at.group, Weight: float64(len(networks)), Text: text})
	}
	slices.SortStableFunc(m.Marks, func(a, b worldmap.Mark) int {
		return cmp.Or(cmp.Compare(b.Weight, a.Weight), cmp.Compare(a.Long, b.Long), cmp.Compare(a.Lat, b.Lat), cmp.Compare(a.Group, b.Group))
	})
	return m
}

// counted is a number of things.
func counted(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}

// portion is a share, and never nothing of what there is.
func portion(share float64) string {
	const least = 0.001
	if share < least {
		return "< 0.1 %"
	}
	return fmt.Sprintf("%.1f %%", 100*share)
}

// told is a table without the columns of which only the head says anything.
func told(rows [][]string) [][]string {
	for at := len(rows[0]) - 1; at >= 0; at-- {
		if slices.ContainsFunc(rows[1:], func(row []string) bool { return row[at] != "" }) {
			continue
		}
		for i := range rows {
			rows[i] = slices.Delete(rows[i], at, at+1)
		}
	}
	return rows
}
