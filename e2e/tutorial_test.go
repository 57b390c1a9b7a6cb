//go:build e2e

package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The tutorial, typed by a reader who makes no mistakes: each command of it is
// run, and what it shows after a $ must be what comes.
//
// It uses names that are short and paths that are fixed, so it runs where nobody
// else sees them: with mounts of its own over what it writes to, and processes
// of its own, which end with the shell.
func TestTutorial(t *testing.T) {
	needs(t, "root", "ip", "sysctl", "tayga", "curl", "python3", "unshare", "mount")
	text, err := os.ReadFile("../docs/tutorial/nat64-lab.md")
	if err != nil {
		t.Fatal(err)
	}
	lesson, cleanup, ok := strings.Cut(string(text), "\n## 6. Clean up\n")
	if !ok || !strings.Contains(cleanup, "ip netns del") {
		t.Fatal("the tutorial's last section, which this test leaves out, is not where it was")
	}
	script := filepath.Join(t.TempDir(), "tutorial.bash")
	write(t, script, fmt.Sprintf(`set -eu
mkdir -p /run/netns
mount -t tmpfs tmpfs /run/netns
mount -t tmpfs tmpfs /mnt
mkdir /mnt/bin
cp -a /etc /mnt/etc
mount --bind /mnt/etc /etc
cp %q /mnt/bin/sextant
cd /mnt
mount -t tmpfs tmpfs /tmp
shows() { # command, output: what was started before may need a moment
	for ((i = 0; i < 50; i++)); do
		if out=$(eval "$1" 2>/mnt/stderr) && [ "$out" = "$2" ]; then return; fi
		sleep 0.1
	done
	printf '%%s\nwant:\n%%s\ngot:\n%%s\n' "$1" "$2" "$out" && cat /mnt/stderr
	exit 1
}
%s`, sextant, commands(lesson)))
	out, err := host{}.try(t, "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "bash", script)
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// commands is the shell script of a page: its code blocks. Lines after a $ are
// commands, and those below them what they show.
func commands(page string) string {
	var script strings.Builder
	for i, block := range strings.Split(page, "\n```") {
		if i%2 == 0 {
			continue // prose
		}
		_, block, _ = strings.Cut(block, "\n") // from a line that may name a language
		parts := strings.Split("\n"+block, "\n$ ")
		script.WriteString(parts[0] + "\n")
		for _, p := range parts[1:] {
			command, output, _ := strings.Cut(p, "\n")
			fmt.Fprintf(&script, "shows %s %s\n", quote(command), quote(output))
		}
	}
	return script.String()
}

// quote makes s one word for a shell.
func quote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
