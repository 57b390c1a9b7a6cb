package dig

import (
	"bytes"
	"io"
)

// painter colours lines on their way to a terminal: what is about the message is
// faint, what went wrong stands out, and so does the client subnet.
type painter struct {
	to   io.Writer
	line []byte // the line that has begun
}

const (
	faint, bold, red, green, cyan = "2", "1", "31", "32", "36"
)

// Write passes whole lines on.
func (p *painter) Write(octets []byte) (int, error) {
	p.line = append(p.line, octets...)
	end := bytes.LastIndexByte(p.line, '\n') + 1
	var b bytes.Buffer
	for line := range bytes.Lines(p.line[:end]) {
		if colour := colourOf(line); colour != "" {
			line = bytes.TrimSuffix(line, []byte("\n"))
			b.WriteString("\x1b[" + colour + "m")
			b.Write(line)
			b.WriteString("\x1b[0m\n")
			continue
		}
		b.Write(line)
	}
	p.line = p.line[end:]
	if _, err := p.to.Write(b.Bytes()); err != nil {
		return 0, err
	}
	return len(octets), nil
}

// flush passes on what has no end of a line.
func (p *painter) flush() {
	_, _ = p.to.Write(p.line)
	p.line = nil
}

func colourOf(line []byte) string {
	has := func(text string) bool { return bytes.Contains(line, []byte(text)) }
	begins := func(text string) bool { return bytes.HasPrefix(line, []byte(text)) }
	switch {
	case begins("; CLIENT-SUBNET"), begins("; EDE"):
		return cyan
	case begins(";; ->>HEADER<<-") && has("status: NOERROR"):
		return green
	case begins(";; ->>HEADER<<-"), has("WARNING"), begins(";; communications error"), begins(";; no servers could be reached"):
		return red
	case begins(";;") && (has(" SECTION:") || has(" PSEUDOSECTION:")):
		return bold
	case begins("; ") || begins(";;"):
		return faint
	}
	return ""
}
