//go:build e2e

package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What people put into the files of their shells completes, in the real ones.
func TestShellsComplete(t *testing.T) {
	t.Parallel()
	const bash = `
source <(sextant completion bash)
complete -p sextant >/dev/null || exit 1
try() {
	COMP_LINE=$1 COMP_POINT=${#1} COMP_WORDS=($1) COMP_CWORD=1 COMP_TYPE=9 COMPREPLY=()
	__start_sextant 2>/dev/null # compopt complains: nobody has pressed a key
	echo "${COMPREPLY[*]}"
}
try "sextant sur"; try "sextant lint e"; try "sextant survey --rtt "; try "sextant survey www.example --adapt"; try "sextant survey x --rtt=tcp:"
`
	const fish = `sextant completion fish | source
for line in "sextant sur" "sextant lint e" "sextant survey --rtt " "sextant survey www.example --adapt"
	echo (complete -C"$line" | string replace -r '\t.*' '')
end`
	const zsh = `autoload -U compinit; compinit -u -D; source <(sextant completion zsh); echo $_comps[sextant]`
	dir := t.TempDir()
	if err := os.Symlink(sextant, filepath.Join(dir, "sextant")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		shell, script, want string
		args                []string
	}{
		{"bash", bash, "survey\necs edns\ntcp:443 tcp:80 icmp\n--adaptive\n443 80\n", []string{"--norc", "-c"}},
		{"fish", fish, "survey\necs edns\nicmp tcp:80 tcp:443\n--adaptive\n", []string{"--no-config", "-c"}},
		{"zsh", zsh, "_sextant\n", []string{"-f", "-c"}},
	} {
		t.Run(c.shell, func(t *testing.T) {
			t.Parallel()
			needs(t, c.shell)
			cmd := exec.CommandContext(t.Context(), c.shell, append(c.args, c.script)...)
			cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "HOME="+dir)
			cmd.Stderr = new(strings.Builder)
			out, err := cmd.Output()
			if err != nil || string(out) != c.want {
				t.Errorf("%v: %q, want %q\n%s", err, out, c.want, cmd.Stderr)
			}
		})
	}
}

// groff has nothing to say about the manual pages.
func TestManualsAreRendered(t *testing.T) {
	needs(t, "groff")
	t.Parallel()
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), sextant, "man", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	pages, err := filepath.Glob(filepath.Join(dir, "*.1"))
	if err != nil || len(pages) < 30 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	var warnings strings.Builder
	cmd := exec.CommandContext(t.Context(), "groff", append([]string{"-man", "-Tutf8", "-ww"}, pages...)...)
	cmd.Stderr = &warnings
	out, err := cmd.Output()
	if err != nil || warnings.Len() > 0 {
		t.Errorf("%v\n%s", err, &warnings)
	}
	if text := string(out); !strings.Contains(text, "SEXTANT-SURVEY(1)") || !strings.Contains(text, "--adaptive") {
		t.Errorf("there is no page of survey in %d octets", len(out))
	}
}
