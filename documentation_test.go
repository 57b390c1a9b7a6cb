package sextant

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// pages are all Markdown files with their text.
func pages(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	if err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".md" {
			return err
		}
		text, err := os.ReadFile(path)
		all[path] = string(text)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	links := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	for page, text := range pages(t) {
		for _, link := range links.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), link[1])); err != nil {
				t.Errorf("%s links to %s: %v", page, link[1], err)
			}
		}
	}
}

func TestREADMENamesEachPackage(t *testing.T) {
	t.Parallel()
	readme := pages(t)["README.md"]
	for _, p := range packages(t) {
		name, _ := inModule(p.ImportPath)
		if name == "" || strings.Contains(name, "internal/") || len(p.GoFiles) == 0 {
			continue
		}
		if !strings.Contains(readme, "| `"+name+"` |") {
			t.Errorf("README.md does not say what package %s is for", name)
		}
	}
}
