package scenario

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// macros evaluates the ${...} of TIME_PASSES EVAL and ASSIGN.
type macros struct {
	vars    map[string]string
	now     func() float64 // whole seconds since the story began
	timeout func() float64 // seconds until the next timer is due
}

var (
	isVariable = regexp.MustCompile(`\$[A-Za-z_][A-Za-z0-9_]*`)
	isOperand  = regexp.MustCompile(`^\s*([0-9.]+)\s*`)
)

// expand is text with every ${...} replaced by its value, inner ones first.
func (m *macros) expand(text string) (string, error) {
	for {
		start := strings.LastIndex(text, "${") // the last one holds no other
		if start < 0 {
			return m.variables(text)
		}
		end := strings.IndexByte(text[start:], '}')
		if end < 0 {
			return "", fmt.Errorf("no end to %q", text[start:])
		}
		value, err := m.value(strings.TrimSpace(text[start+2 : start+end]))
		if err != nil {
			return "", err
		}
		text = text[:start] + value + text[start+end+1:]
	}
}

func (m *macros) variables(text string) (expanded string, err error) {
	expanded = isVariable.ReplaceAllStringFunc(text, func(name string) string {
		value, known := m.vars[name[1:]]
		if !known {
			err = fmt.Errorf("%s has no value", name)
		}
		return value
	})
	return expanded, err
}

// value is what stands for an expression without inner ones.
func (m *macros) value(expr string) (string, error) {
	expr, err := m.variables(expr)
	if err != nil {
		return "", err
	}
	word, args, _ := strings.Cut(expr, " ")
	switch word {
	case "time":
		return number(m.now()), nil
	case "timeout":
		return number(m.timeout()), nil
	case "ctime":
		seconds, err := arithmetic(args)
		return time.Unix(int64(seconds), 0).UTC().Format(time.ANSIC), err
	case "range":
		var low, v, high float64
		if _, err := fmt.Sscan(args, &low, &v, &high); err != nil {
			return "", fmt.Errorf("range %q: %w", args, err)
		}
		if v < low || v > high {
			return "", fmt.Errorf("%v is not between %v and %v", v, low, high)
		}
		return number(v), nil
	}
	v, err := arithmetic(expr)
	return number(v), err
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// arithmetic computes strictly from left to right.
func arithmetic(expr string) (total float64, err error) {
	op := byte('+')
	for rest := expr; ; {
		operand := isOperand.FindStringSubmatch(rest)
		if operand == nil {
			return 0, fmt.Errorf("%q is no arithmetic", expr)
		}
		v, err := strconv.ParseFloat(operand[1], 64)
		if err != nil {
			return 0, err
		}
		switch op {
		case '+':
			total += v
		case '-':
			total -= v
		case '*':
			total *= v
		case '/':
			total /= v
		default:
			return 0, fmt.Errorf("%q is no arithmetic", expr)
		}
		if rest = rest[len(operand[0]):]; rest == "" {
			return total, nil
		}
		op, rest = rest[0], rest[1:]
	}
}
