package overlay

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/sextant-dns/sextant/lookup"
)

func FuzzLoad(f *testing.F) {
	example, err := os.ReadFile("testdata/example.org.geo")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(example))
	for _, seed := range []string{
		sites + "$ROUTE www ( de,at=fra,iad us-ny=iad:3,fra:1 !cn+net:cdn=nearest:2 *=fra pick=1 down=none sticky=/24,/48 )",
		"$WHEN view:corp+192.0.2.0/24,city:\"a \\\"b\" keep=A\n@ ALIAS www\n( www 1h ) TXT \"\\065\" ; x",
		"$INCLUDE inc sub\n$ORIGIN .\n$TTL 1d\nx TYPE1 \\# 4 c0000201",
		"$EXPECT www A from 192.0.2.1 down=fra view=corp scope<=24 prefixes<5 = 192.0.2.1",
		"$EXPECT www TXT = \"a\" = \\",
		"www TXT \"\\", "$SITE a at=1,2,3 x==\"", "$", "(", ")", "a (\n b", "\\. A 192.0.2.1",
	} {
		f.Add(seed)
	}
	base := base(f)
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Count(text, "$INCLUDE") > 3 {
			t.Skip("a thousand files are many for one run")
		}
		for _, o := range []Options{
			{Base: base, Includes: fstest.MapFS{"inc": {Data: []byte("www A 192.0.2.1\n")}}},
			{Origin: lookup.MustName("example.org.")},
		} {
			got, err := Load(strings.NewReader(text), "f", o)
			if err == nil {
				checkSane(t, got, o)
				continue
			}
			for _, e := range err.(interface{ Unwrap() []error }).Unwrap() {
				p, ok := e.(Problem)
				lines := strings.Split(text, "\n")
				if !ok || p.Text == "" {
					t.Fatalf("%#v", e)
				}
				if p.File == "f" && p.Line > 0 && (p.Line > len(lines) || p.Column < 1 || p.Column > len(lines[p.Line-1])+1) {
					t.Fatalf("%v: there is no such place", p)
				}
				if p.Line == 0 && !strings.HasPrefix(p.Text, "and ") {
					t.Fatalf("%v: no place", p)
				}
			}
		}
	})
}

// checkSane sees to what whoever uses an Overlay relies on.
func checkSane(t *testing.T, o *Overlay, options Options) {
	names := map[string]bool{}
	for _, s := range o.Sites {
		if names[s.Name] {
			t.Fatalf("two sites %s", s.Name)
		}
		names[s.Name] = true
	}
	for _, r := range o.Rules {
		if !r.Set.Name.IsSubdomainOf(o.Apex) || r.Set.Data.Len() == 0 || r.Set.TTL > maxTTL {
			t.Fatalf("%+v", r)
		}
		again, ok := (&loader{Options: options}).condition(token{text: r.When.String()})
		if !ok || again.String() != r.When.String() || Compare(again, r.When) != 0 {
			t.Fatalf("%s is read as %s", r.When, again)
		}
	}
	for _, r := range o.Routes {
		if len(r.Choices) == 0 || r.Pick < 1 {
			t.Fatalf("%+v", r)
		}
		for _, c := range r.Choices {
			if len(c.Sites) == 0 && c.Nearest == 0 {
				t.Fatalf("%+v", c)
			}
			for _, s := range c.Sites {
				if !names[s.Site] || (s.Weight > 0) != (c.Sites[0].Weight > 0) {
					t.Fatalf("%+v", c)
				}
			}
		}
	}
}
