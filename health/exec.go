package health

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// maxOutput is how many octets of what a command writes are kept.
const maxOutput = 1 << 10

// leave is how long a command that has been killed may hold on to its output.
const leave = time.Second

// execute runs a command, without a shell, in a process group of its own. When time is
// up the whole group is killed.
func execute(ctx context.Context, argv []string, t Target) Outcome {
	filled := make([]string, len(argv))
	for i, a := range argv {
		filled[i] = fillIn(a, t)
	}
	var out bounded
	cmd := exec.CommandContext(ctx, filled[0], filled[1:]...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C", fillIn("SEXTANT_ADDR={addr}", t), fillIn("SEXTANT_SITE={site}", t)}
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = leave
	if err := cmd.Start(); err != nil {
		if ctx.Err() != nil {
			return failure(ctx, err)
		}
		return blind(err) // a command that is not there says nothing of the site
	}
	err := cmd.Wait()
	var exited *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return failure(ctx, err)
	case err == nil || errors.Is(err, exec.ErrWaitDelay): // it has exited with 0, and left somebody behind
		return Outcome{Result: Passed}
	case errors.As(err, &exited):
		reason := exited.String()
		if said := printable(out.text.String()); said != "" {
			reason = fmt.Sprintf("%s: %s", reason, said)
		}
		return Outcome{Result: Failed, Reason: reason}
	}
	return blind(err)
}

// bounded keeps the first octets that are written to it. os/exec writes from one
// goroutine when both outputs are the same.
type bounded struct{ text strings.Builder }

// Write never fails: a command that says much is not to be punished for it.
func (b *bounded) Write(p []byte) (int, error) {
	b.text.Write(p[:min(len(p), maxOutput-b.text.Len())])
	return len(p), nil
}
