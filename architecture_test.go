package sextant

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/sextant-dns/sextant"

// imports is the architecture: each package with the packages of this module
// that it may import. Nothing else may, and a package that is not listed here
// does not exist. Level 0 stands first; imports only point upwards in this list.
func imports() map[string][]string {
	return map[string][]string{
		"lookup":    {},
		"message":   {"lookup"},
		"ecs":       {"lookup"},
		"datagram":  {},
		"transport": {"lookup", "message", "ecs", "datagram"},
		"cache":     {},
		"crew":      {},
		"store":     {},
		"tsig":      {"lookup"},
		"dnssec":    {"lookup"},
		"zones":     {"lookup"},
		"catalog":   {"lookup", "zones"},
		"geo":       {"lookup"},
		"health":    {},
		"xdp":       {},
		"overlay":   {"lookup", "zones", "geo"},
		"config":    {"lookup"},
		"tailor":    {"lookup", "ecs", "geo", "zones", "overlay"},

		"anchors":       {"lookup", "dnssec", "store"},
		"dns64":         {"lookup"},
		"special":       {"lookup"},
		"rebinding":     {"lookup"},
		"override":      {"lookup", "ecs", "store"},
		"resolver":      {"lookup", "ecs", "cache", "crew", "dnssec", "transport"},
		"authoritative": {"lookup", "ecs", "zones", "tailor"},
		"primary":       {"lookup", "message", "tsig", "zones"},
		"lifeline":      {"lookup", "dnssec", "ecs", "transport"},
		"secondary":     {"lookup", "message", "store", "tsig", "zones"},
		"update":        {"lookup", "message", "store", "zones"},

		"server/internal/wire": {"lookup"},
		"server":               {"lookup", "message", "ecs", "cache", "crew", "tsig", "datagram", "server/internal/wire"},
		"lab":                  {"lookup", "dnssec", "transport", "zones", "authoritative"},
		"dig":                  {"lookup", "ecs"},
		"ednscheck":            {},
		"probe":                {},
		"survey":               {"ecs"},
		"worldmap":             {},
		"lint":                 {"lookup", "ecs", "dns64", "ednscheck", "probe", "survey"},
		"metrics":              {},
		"control":              {"lookup"},

		"internal/attack":   {"lookup", "message", "ecs", "transport", "dnssec", "resolver"},
		"internal/geopeers": {"geo"},
		"internal/scenario": {"lookup", "message", "ecs", "transport", "cache", "dnssec", "anchors", "zones", "dns64", "special", "rebinding", "resolver", "authoritative", "server"},

		"cmd/sextant": {"", "crew", "lookup", "message", "transport", "tsig", "zones", "config", "geo", "overlay", "tailor", "dnssec", "anchors", "dns64", "ecs", "special", "rebinding", "resolver", "authoritative", "primary", "secondary", "update", "server", "lab", "dig", "metrics", "control", "health", "lifeline", "store", "catalog", "override", "probe", "survey", "worldmap", "lint", "xdp"},
		"bench/peers": {"internal/geopeers"},
		"":            {},
	}
}

// importers names, for a library, the packages that may import it. miekg/dns and
// golang.org/x/sys, which is the operating system, are free.
func importers() map[string][]string {
	return map[string][]string{
		"github.com/hashicorp/golang-lru":      {"transport"}, // and the tests of cache, as the judge
		"github.com/cloudflare/circl":          {"dnssec"},
		"github.com/spf13/cobra":               {"cmd/sextant"},
		"github.com/spf13/pflag":               {"cmd/sextant"}, // cobra's
		"github.com/prometheus/client_golang":  {"metrics"},
		"github.com/goccy/go-yaml":             {"config"},
		"github.com/oschwald/maxminddb-golang": {"geo", "internal/geopeers"}, // and the tests' oracle
		"golang.org/x/net/publicsuffix":        {"ecs"},
		"golang.org/x/net/icmp":                {"health"},
		"github.com/cilium/ebpf":               {"xdp"},
		// config only names a level. Who logs: the edge and the program.
		"log/slog": {"server", "cmd/sextant", "config"},
	}
}

type listed struct {
	ImportPath, Dir  string
	Imports, GoFiles []string
	IgnoredGoFiles   []string
}

func packages(t *testing.T) []listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,Imports,GoFiles,IgnoredGoFiles", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func inModule(path string) (name string, ok bool) {
	if path == module {
		return "", true
	}
	return strings.CutPrefix(path, module+"/")
}

func TestImportsPointDown(t *testing.T) {
	t.Parallel()
	allowed := imports()
	for _, p := range packages(t) {
		name, _ := inModule(p.ImportPath)
		may, known := allowed[name]
		if !known {
			if len(p.GoFiles) > 0 {
				t.Errorf("package %q is not in the table of the architecture", name)
			}
			continue
		}
		for _, i := range p.Imports {
			if dep, ours := inModule(i); ours && !slices.Contains(may, dep) {
				t.Errorf("%s imports %s, which the architecture forbids", name, dep)
			}
			for library, by := range importers() {
				if (i == library || strings.HasPrefix(i, library+"/")) && !slices.Contains(by, name) {
					t.Errorf("%s imports %s, which belongs to %v", name, i, by)
				}
			}
		}
	}
}

// The habits that no reviewer should have to watch for.
func TestSourceKeepsItsHabits(t *testing.T) {
	t.Parallel()
	files := token.NewFileSet()
	for _, p := range packages(t) {
		for _, f := range append(p.GoFiles, p.IgnoredGoFiles...) {
			if strings.HasSuffix(f, "_test.go") {
				continue
			}
			parsed, err := parser.ParseFile(files, filepath.Join(p.Dir, f), nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			if slices.Contains([]string{"util", "utils", "common", "helpers", "types", "misc", "base"}, parsed.Name.Name) {
				t.Errorf("%s: a package called %s says nothing about what it does", f, parsed.Name.Name)
			}
			ast.Inspect(parsed, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.FuncDecl:
					if n.Name.Name == "init" && n.Recv == nil {
						t.Errorf("%s: init() hides wiring", files.Position(n.Pos()))
					}
					if n.Body != nil {
						if lines := files.Position(n.End()).Line - files.Position(n.Pos()).Line; lines > 80 {
							t.Errorf("%s: %s has %d lines; is a concept missing?", files.Position(n.Pos()), n.Name.Name, lines)
						}
					}
				case *ast.SelectorExpr:
					if x, ok := n.X.(*ast.Ident); ok && x.Name == "context" && n.Sel.Name == "WithValue" {
						t.Errorf("%s: context.WithValue", files.Position(n.Pos()))
					}
					if x, ok := n.X.(*ast.Ident); ok && x.Name == "unsafe" && !slices.Contains([]string{"calls_linux.go", "rings_linux.go"}, f) {
						t.Errorf("%s: unsafe belongs to datagram/calls_linux.go and xdp/rings_linux.go alone", files.Position(n.Pos()))
					}
				}
				return true
			})
		}
	}
}

func TestEachPackageTellsItsStory(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		if len(p.GoFiles) == 0 || p.ImportPath == module {
			continue
		}
		doc, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, "doc.go"), nil, parser.ParseComments)
		if errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s has no doc.go", p.ImportPath)
			continue
		}
		if err != nil {
			t.Error(err)
			continue
		}
		if text := doc.Doc.Text(); !strings.Contains(text, "Standards:") && p.ImportPath != module+"/cmd/sextant" {
			t.Errorf("%s: doc.go has no line that begins with Standards:", p.ImportPath)
		}
	}
}
