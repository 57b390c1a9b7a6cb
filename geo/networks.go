package geo

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
)

// maxWrong is how many wrong lines an error tells of.
const maxWrong = 20

// ParseNetworks reads a list of networks: one prefix or address on each line, blank
// lines, and comments that begin with # or ;. The error tells what is wrong line by
// line, up to 20 lines; file is what it calls the list.
func ParseNetworks(file string, content []byte) ([]netip.Prefix, error) {
	var all []netip.Prefix
	var wrong []error
	lines := bufio.NewScanner(bytes.NewReader(content))
	for n := 1; lines.Scan() && len(wrong) < maxWrong; n++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		text, _, _ = strings.Cut(text, ";")
		indent := len(text) - len(strings.TrimLeft(text, " \t"))
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		p, err := parseNetworkOrAddress(text)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s:%d:%d: %w", file, n, indent+1, err))
			continue
		}
		all = append(all, p)
	}
	if err := lines.Err(); err != nil {
		wrong = append(wrong, fmt.Errorf("%s: %w", file, err))
	}
	return all, errors.Join(wrong...)
}

func parseNetworkOrAddress(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		return p, fmt.Errorf("%w: %q, expected a prefix such as 192.0.2.0/24", ErrNetwork, text)
	case p != p.Masked():
		return p, fmt.Errorf("%w: %s: bits are set after the prefix; did you mean %s?", ErrNetwork, p, p.Masked())
	}
	return p, nil
}

func openNetworks(file string) ([]netip.Prefix, []byte, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, err
	}
	all, err := ParseNetworks(file, content)
	return all, content, err
}
