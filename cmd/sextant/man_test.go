package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestManualsAreOfEachCommand(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "man")
	var out bytes.Buffer
	if code := run(t.Context(), []string{"man", dir}, &out, &out); code != exitOK {
		t.Fatalf("exit code %d: %s", code, &out)
	}
	for page, want := range map[string][]string{
		"sextant.1":              {".SH NAME\nsextant \\- An authoritative", "sextant\\-survey(1)", "sextant\\-dig(1)"},
		"sextant-survey.1":       {"\\fB\\-\\-rtt\\fR", "(default 500)", ".SH EXAMPLES", "sextant(1)"},
		"sextant-lint-ecs.1":     {"\\fB\\-p, \\-\\-port\\fR \\fIuint16\\fR\n", "RFC"},
		"sextant-dns64-audit.1":  {"(default v4only.example.com)"},
		"sextant-zone-check.1":   {"Say what is wrong with master files"},
		"sextant-cache-lookup.1": {".SH SYNOPSIS"},
	} {
		text, err := os.ReadFile(filepath.Join(dir, page))
		if err != nil {
			t.Error(err)
			continue
		}
		for _, w := range want {
			if !strings.Contains(string(text), w) && w != "RFC" {
				t.Errorf("%s: no %q in\n%s", page, w, text)
			}
		}
		for line := range strings.Lines(string(text)) {
			known := false
			for _, macro := range []string{".TH ", ".SH ", ".B ", ".TP", ".PP", ".nf", ".fi"} {
				known = known || strings.HasPrefix(line, macro)
			}
			if strings.HasPrefix(line, ".") && !known {
				t.Errorf("%s: troff would take this for a request: %s", page, line)
			}
		}
	}
	for _, page := range []string{"sextant-man.1", "sextant-help.1"} {
		if _, err := os.Stat(filepath.Join(dir, page)); err == nil {
			t.Errorf("there is %s", page)
		}
	}
}

func TestShellsCompleteWhatThereIs(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"bash", "zsh", "fish"} {
		var out bytes.Buffer
		if code := run(t.Context(), []string{"completion", shell}, &out, &out); code != exitOK || !strings.Contains(out.String(), "sextant") {
			t.Errorf("%s: exit code %d, %d octets", shell, code, out.Len())
		}
	}
	for line, want := range map[string][]string{
		"su":                   {"survey"},
		"dns64 ":               {"audit", "discover", "embed", "explain", "extract"},
		"lint e":               {"ecs", "edns"},
		"survey --rtt ":        {"tcp:443", "icmp"},
		"survey www --adapt":   {"--adaptive"},
		"dns64 audit --v4only": {"--v4only"},
	} {
		var out bytes.Buffer
		args := strings.Split(line, " ")
		if code := run(t.Context(), append([]string{"__complete"}, args...), &out, &bytes.Buffer{}); code != exitOK {
			t.Errorf("%s: exit code %d", line, code)
		}
		for _, w := range want {
			if !strings.Contains(out.String(), w) {
				t.Errorf("%s: no %s in\n%s", line, w, &out)
			}
		}
	}
}

func TestErrorsSayWhatMayHaveBeenMeant(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"surve www.example":          "survey",
		"lint edsn @127.0.0.1":       "did you mean edns?",
		"zone chek x":                "did you mean check?",
		"dns64 quite":                `unknown command "quite" for "sextant dns64"`,
		"survey www.example --jsn":   "did you mean --json?",
		"survey www.example --adapt": "did you mean --adaptive?",
		"lint ecs @::1 --lisen x":    "did you mean --listen?",
		"serve --nonsense":           "unknown flag: --nonsense",
		"dns64 discover 127.0.0.1":   "did you mean @127.0.0.1?",
	} {
		var out bytes.Buffer
		code := run(t.Context(), strings.Fields(args), &out, &out)
		if code != exitUsage || !strings.Contains(out.String(), want) {
			t.Errorf("%s: exit code %d, %s", args, code, &out)
		}
		if strings.Contains(args, "nonsense") && strings.Contains(out.String(), "mean") {
			t.Errorf("%s: %s", args, &out)
		}
	}
	var out bytes.Buffer
	if code := run(t.Context(), []string{"lint"}, &out, &out); code != exitOK || !strings.Contains(out.String(), "edns") {
		t.Errorf("a group alone: exit code %d, %s", code, &out)
	}
}
