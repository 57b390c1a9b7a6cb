package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// A decoder walks one file's syntax tree. It notes problems and goes on, and
// remembers where each value came from, so that later checks can point there.
type decoder struct {
	file     string
	text     string
	problems Errors
	places   map[any]place // by the address of the value
}

// place is where a value stands: in the file, and in the tree of keys.
type place struct {
	line, column int
	path         string // such as views[0].clients
}

// reader reads a node into the value that the reader was made for.
type reader func(d *decoder, n ast.Node)

// scalar reads a node that is a single value. Its error says what is wrong and
// what was expected.
type scalar[T any] func(n ast.Node) (T, error)

// keys are the keys that a mapping may have.
type keys map[string]reader

// value reads a scalar.
func value[T any](to *T, read scalar[T]) reader {
	return func(d *decoder, n ast.Node) {
		d.places[to] = placeOf(n)
		v, err := read(n)
		if err != nil {
			d.report(to, "%v", err)
			return
		}
		*to = v
	}
}

// list reads a sequence of what item makes readers for. The items do not move
// once they are read, so their addresses are good for asking for their places.
func list[T any](to *[]T, item func(*T) reader) reader {
	return func(d *decoder, n ast.Node) {
		d.places[to] = placeOf(n)
		s, ok := n.(*ast.SequenceNode)
		if !ok {
			d.report(to, "%v", unexpected(n, "a list"))
			return
		}
		*to = make([]T, len(s.Values))
		for i, v := range s.Values {
			at := &(*to)[i]
			d.places[at] = placeOf(v)
			item(at)(d, v)
		}
	}
}

// values reads a sequence of scalars.
func values[T any](to *[]T, read scalar[T]) reader {
	return list(to, func(at *T) reader { return value(at, read) })
}

// object reads a mapping with the keys k, of which those named in required must
// be there. A key with nothing behind it is a mapping with no keys.
func object[T any](to *T, k keys, required ...string) reader {
	return func(d *decoder, n ast.Node) {
		at := placeOf(n)
		d.places[to] = at
		var pairs []*ast.MappingValueNode
		switch n := n.(type) {
		case *ast.MappingNode:
			pairs = n.Values
		case *ast.MappingValueNode:
			pairs = []*ast.MappingValueNode{n}
		case *ast.NullNode:
		default:
			d.report(to, "%v", unexpected(n, "keys with values"))
			return
		}
		given := d.readKeys(at.path, k, pairs)
		for _, key := range required {
			if _, ok := given[key]; !ok {
				d.report(to, "key %q is missing", key)
			}
		}
	}
}

// readKeys reads the values of one mapping and tells on which line each key
// stands.
func (d *decoder) readKeys(path string, k keys, pairs []*ast.MappingValueNode) map[string]int {
	given := map[string]int{}
	for _, pair := range pairs {
		at := placeOf(pair.Key)
		at.path = path
		key := pair.Key.GetToken().Value
		read, known := k[key]
		if first, again := given[key]; again {
			d.reportAt(at, "key %s was given before, on line %d", quote(key), first)
		} else if !known {
			d.reportAt(at, "unknown key %s%s", quote(key), k.instead(key))
		} else {
			read(d, pair.Value)
		}
		given[key] = at.line
	}
	return given
}

// instead says what could be meant by an unknown key.
func (k keys) instead(key string) string {
	known := slices.Sorted(maps.Keys(k))
	if s := suggest(key, known); s != "" {
		return s
	}
	return ", expected " + enumerate(known)
}

// newDecoder takes the text without its byte order mark and with the line breaks
// of Unix, so that line numbers mean the same to everybody.
func newDecoder(file string, text []byte) *decoder {
	plain := strings.TrimPrefix(string(text), "\ufeff")
	plain = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(plain)
	return &decoder{file: file, text: plain, places: map[any]place{}}
}

// parse makes the syntax tree of the file. ok is false when there is nothing
// to read in it.
func (d *decoder) parse() (root ast.Node, ok bool) {
	f, err := parser.ParseBytes([]byte(d.text), 0, parser.AllowDuplicateMapKey())
	if err != nil {
		at, message := place{line: 1, column: 1}, err.Error()
		if syntax, ok := errors.AsType[yaml.Error](err); ok && syntax.GetToken() != nil {
			at, message = placeOfToken(syntax.GetToken()), syntax.GetMessage()
		}
		d.reportAt(at, "not YAML: %s", message)
		return nil, false
	}
	for _, doc := range f.Docs {
		switch {
		case doc.Body == nil:
		case root != nil:
			d.reportAt(placeOf(doc.Body), "a second document, expected one in a file")
		default:
			root = doc.Body
		}
	}
	return root, root != nil
}

// given tells whether the file has a value for what to points to.
func (d *decoder) given(to any) bool {
	_, ok := d.places[to]
	return ok
}

// report notes a problem with the value that to points to.
func (d *decoder) report(to any, format string, args ...any) {
	d.reportAt(d.places[to], format, args...)
}

func (d *decoder) reportAt(at place, format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	if at.path != "" {
		message = at.path + ": " + message
	}
	d.problems = append(d.problems, Problem{File: d.file, Line: at.line, Column: at.column, Message: message})
}

// errors is all that was noted, with the lines of the file, but no secrets.
func (d *decoder) errors() Errors {
	lines := strings.Split(d.text, "\n")
	for i, p := range d.problems {
		if 0 < p.Line && p.Line <= len(lines) {
			d.problems[i].Source = concealed(lines, p.Line-1)
		}
	}
	return d.problems.inOrder()
}

// placeOf is where a node begins. The syntax tree puts a mapping in block style
// at its first colon; we put it at its first key.
func placeOf(n ast.Node) place {
	first := n
	switch m := n.(type) {
	case *ast.MappingNode:
		if !m.IsFlowStyle && len(m.Values) > 0 {
			first = m.Values[0].Key
		}
	case *ast.MappingValueNode:
		first = m.Key
	}
	at := placeOfToken(first.GetToken())
	at.path = strings.TrimPrefix(strings.TrimPrefix(n.GetPath(), "$"), ".")
	return at
}

func placeOfToken(t *token.Token) place {
	return place{line: max(1, t.Position.Line), column: max(1, t.Position.Column)}
}

// unexpected is the error for a node that is not what was wanted.
func unexpected(n ast.Node, wanted string) error {
	return fmt.Errorf("found %s, expected %s", found(n), wanted)
}

// found describes a node in an error.
func found(n ast.Node) string {
	if keys := strings.FieldsFunc(n.GetPath(), func(r rune) bool { return strings.ContainsRune("$.[]0123456789", r) }); len(keys) > 0 && namesSecret(keys[len(keys)-1]) {
		return "something else"
	}
	switch n := n.(type) {
	case *ast.NullNode:
		return "nothing"
	case *ast.SequenceNode:
		return "a list"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "keys with values"
	case *ast.AnchorNode, *ast.AliasNode:
		return "an anchor or alias (write the value out)"
	case *ast.TagNode:
		return "a tag"
	case *ast.StringNode:
		return quote(n.Value)
	case *ast.LiteralNode:
		return "a block of text"
	}
	return n.GetToken().Value
}

// quote is text for an error: all of it, or its beginning when it is long.
func quote(text string) string {
	const most = 60
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	return strconv.Quote(text)
}
