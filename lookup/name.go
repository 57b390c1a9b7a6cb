package lookup

import (
	"errors"
	"fmt"
	"strings"
)

// Name is a domain name in wire form, lower case and uncompressed, with its
// final root octet (RFC 1035 3.1). Names can be compared with == and used as
// map keys. The zero value "" is no name at all; [Root] is the root.
type Name string

// Root is the name of the DNS root.
const Root Name = "\x00"

const (
	maxNameOctets  = 255 // RFC 1035 2.3.4
	maxLabelOctets = 63  // RFC 1035 2.3.4
	// MaxLabels is the largest number of labels in a name, the root not counted.
	MaxLabels = 127
)

var (
	errNameLong   = errors.New("name longer than 255 octets")
	errLabelLong  = errors.New("label longer than 63 octets")
	errLabelEmpty = errors.New("empty label")
	errNameShort  = errors.New("name ends before its root label")
	errPointer    = errors.New("compressed or extended label where a plain one is needed")
)

// ParseName reads a name in presentation form (RFC 1035 5.1, with \X and \DDD
// escapes). A missing final dot is forgiven: the name is always taken as fully
// qualified.
func ParseName(s string) (Name, error) {
	n, err := ParseNameCase(s)
	if err != nil {
		return "", err
	}
	return Name(lowerNames(n)), nil
}

// ParseNameCase is ParseName with the letter case kept: the form in which names
// stand inside rdata (RFC 1035 2.3.3).
func ParseNameCase(s string) (string, error) {
	if s == "." || s == "" {
		if s == "" {
			return "", fmt.Errorf("name %q: %w", s, errLabelEmpty)
		}
		return string(Root), nil
	}
	wire := make([]byte, 1, len(s)+2)
	length := 0 // where the current label's length octet stands
	endLabel := func(next bool) error {
		n := len(wire) - length - 1
		switch {
		case n == 0:
			return errLabelEmpty
		case n > maxLabelOctets:
			return errLabelLong
		}
		wire[length] = byte(n)
		if next {
			length = len(wire)
			wire = append(wire, 0)
		}
		return nil
	}
	open := true // a label has been started and not yet ended by a dot
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '.' {
			if err := endLabel(true); err != nil {
				return "", fmt.Errorf("name %q: %w", s, err)
			}
			open = false
			continue
		}
		open = true
		if c == '\\' {
			octet, width, err := unescape(s[i:])
			if err != nil {
				return "", fmt.Errorf("name %q: %w", s, err)
			}
			c, i = octet, i+width-1
		}
		wire = append(wire, c)
	}
	if open {
		if err := endLabel(true); err != nil {
			return "", fmt.Errorf("name %q: %w", s, err)
		}
	}
	if len(wire) > maxNameOctets {
		return "", fmt.Errorf("name %q: %w", s, errNameLong)
	}
	return string(wire), nil
}

// unescape reads the escape that s begins with and tells how wide it is.
func unescape(s string) (octet byte, width int, err error) {
	digit := func(i int) bool { return i < len(s) && s[i] >= '0' && s[i] <= '9' }
	switch {
	case len(s) < 2:
		return 0, 0, errors.New(`ends in a single \`)
	case !digit(1):
		return s[1], 2, nil
	case !digit(2) || !digit(3):
		return 0, 0, errors.New(`\ and a digit need two more digits`)
	}
	v := int(s[1]-'0')*100 + int(s[2]-'0')*10 + int(s[3]-'0')
	if v > 255 {
		return 0, 0, fmt.Errorf(`escape \%d is above 255`, v)
	}
	return byte(v), 4, nil
}

// MustName is ParseName for names that are written in the program's own text;
// it panics when s is not a name.
func MustName(s string) Name {
	n, err := ParseName(s)
	if err != nil {
		panic(err)
	}
	return n
}

// NameFromWire reads the uncompressed name at the start of wire, lower-cases it
// and tells how many octets it took.
func NameFromWire(wire string) (Name, int, error) {
	n, err := WireLen(wire)
	if err != nil {
		return "", 0, err
	}
	return Name(lowerNames(wire[:n])), n, nil
}

// WireLen is the number of octets of the uncompressed name that wire starts with.
func WireLen(wire string) (int, error) {
	for i := 0; i < len(wire); i += int(wire[i]) + 1 {
		switch {
		case i >= maxNameOctets:
			return 0, errNameLong
		case wire[i] == 0:
			return i + 1, nil
		case wire[i] > maxLabelOctets:
			return 0, errPointer
		}
	}
	return 0, errNameShort
}

// lowerNames lower-cases the ASCII letters of a wire-form name (RFC 4343 3).
// Length octets are at most 63 and so never look like an upper-case letter's
// code that would need care: 'A' is 65.
func lowerNames(wire string) string {
	for i := 0; i < len(wire); i++ {
		if c := wire[i]; c >= 'A' && c <= 'Z' {
			b := []byte(wire)
			for ; i < len(b); i++ {
				if c := b[i]; c >= 'A' && c <= 'Z' {
					b[i] = c + ('a' - 'A')
				}
			}
			return string(b)
		}
	}
	return wire
}

// String is the presentation form with its final dot (RFC 1035 5.1).
func (n Name) String() string { return Presentation(string(n)) }

// Presentation prints a wire-form name of any letter case. What is not a name
// is printed in a form that cannot be mistaken for one.
func Presentation(wire string) string {
	if wire == string(Root) {
		return "."
	}
	if l, err := WireLen(wire); err != nil || l != len(wire) {
		return fmt.Sprintf("<not a name: %q>", wire)
	}
	var b strings.Builder
	b.Grow(len(wire))
	for i := 0; wire[i] != 0; i += int(wire[i]) + 1 {
		for _, c := range []byte(wire[i+1 : i+1+int(wire[i])]) {
			switch {
			case strings.IndexByte(`."\;()@$`, c) >= 0:
				b.WriteByte('\\')
				b.WriteByte(c)
			case c <= ' ' || c >= 0x7f:
				fmt.Fprintf(&b, `\%03d`, c)
			default:
				b.WriteByte(c)
			}
		}
		b.WriteByte('.')
	}
	return b.String()
}

// Labels counts the labels, the root not counted.
func (n Name) Labels() int {
	labels := 0
	for i := 0; i < len(n) && n[i] != 0; i += int(n[i]) + 1 {
		labels++
	}
	return labels
}

// Label is the first (leftmost) label without its length octet; "" for the root.
func (n Name) Label() string {
	if len(n) < 2 {
		return ""
	}
	return string(n[1 : 1+int(n[0])])
}

// Parent is the name without its first label; ok is false for the root.
func (n Name) Parent() (parent Name, ok bool) {
	if len(n) < 2 {
		return "", false
	}
	return n[int(n[0])+1:], true
}

// Suffix is the name's last labels labels: Suffix(0) is the root. A number
// larger than the name has returns the name itself.
func (n Name) Suffix(labels int) Name {
	for skip := n.Labels() - labels; skip > 0; skip-- {
		n = n[int(n[0])+1:]
	}
	return n
}

// Child is the name with label, given without length octet, put in front.
func (n Name) Child(label string) (Name, error) {
	switch {
	case len(label) == 0:
		return "", errLabelEmpty
	case len(label) > maxLabelOctets:
		return "", errLabelLong
	case len(label)+1+len(n) > maxNameOctets:
		return "", errNameLong
	}
	return Name(lowerNames(string([]byte{byte(len(label))})+label) + string(n)), nil
}

// IsSubdomainOf tells whether n is zone or lies below it.
func (n Name) IsSubdomainOf(zone Name) bool {
	if len(zone) == 0 || len(n) < len(zone) {
		return false
	}
	cut := len(n) - len(zone)
	if n[cut:] != zone {
		return false
	}
	i := 0
	for i < cut {
		i += int(n[i]) + 1
	}
	return i == cut // the octets matched; do they start at a label?
}

// IsWildcard tells whether the first label is exactly * (RFC 4592 2.1.1).
func (n Name) IsWildcard() bool { return len(n) > 2 && n[0] == 1 && n[1] == '*' }

// CommonLabels counts the labels that n and m share, from the root.
func (n Name) CommonLabels(m Name) int {
	a, b := n.Labels(), m.Labels()
	n, m = n.Suffix(b), m.Suffix(a)
	common := min(a, b)
	for shared := common; ; {
		if n == m {
			return shared
		}
		n, m = n[int(n[0])+1:], m[int(m[0])+1:]
		shared--
	}
}

// Replace is the name with its ending from replaced by to (RFC 6672 2.2). It
// fails when the result is too long; n must lie below from.
func (n Name) Replace(from, to Name) (Name, error) {
	keep := len(n) - len(from)
	if keep+len(to) > maxNameOctets {
		return "", errNameLong
	}
	return n[:keep] + to, nil
}

// Compare orders names canonically (RFC 4034 6.1): by label from the right,
// each label as octets.
func (n Name) Compare(m Name) int {
	var nAt, mAt [MaxLabels + 1]uint8
	i, j := n.offsets(&nAt), m.offsets(&mAt)
	for i > 0 && j > 0 {
		i, j = i-1, j-1
		a, b := n[nAt[i]:], m[mAt[j]:]
		if c := strings.Compare(string(a[1:1+int(a[0])]), string(b[1:1+int(b[0])])); c != 0 {
			return c
		}
	}
	return i - j
}

// offsets notes where each label starts and counts them.
func (n Name) offsets(at *[MaxLabels + 1]uint8) int {
	labels := 0
	for i := 0; i < len(n) && n[i] != 0 && labels < MaxLabels; i += int(n[i]) + 1 {
		at[labels] = uint8(i)
		labels++
	}
	return labels
}
