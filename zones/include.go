package zones

import (
	"bytes"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// maxDepth is how many files may include one another, as in the library.
const maxDepth = 7

// include obeys a $INCLUDE and reads that file as the main file is read. It is false when
// the library must obey it: when the line is not simple, or the file cannot be opened.
func (l *loader) include(line []byte) (done bool, err error) {
	st := l.src.main()
	file, origin, ok := l.lines.included(line)
	if !ok || l.options.Includes == nil || l.src.base >= maxDepth {
		return false, nil
	}
	if !path.IsAbs(file) {
		file = path.Join(path.Dir(st.called), file)
	}
	file = strings.TrimLeft(path.Clean(file), "/")
	if info, err := fs.Stat(l.options.Includes, file); err != nil || info.IsDir() {
		return false, nil
	}
	if _, err := l.src.Open(file); err != nil {
		return false, nil
	}
	st.skip()
	was := l.lines
	l.lines.origin, l.lines.owner = origin, nil
	l.src.base++
	err = l.readFile()
	_ = l.src.main().Close() // it was read only
	l.src.base--
	was.rest = nil
	l.lines = was // RFC 1035 5.1: the origin of the file that includes does not change
	return true, err
}

// included is what a $INCLUDE names; origin is that of now if it names none.
func (r *reader) included(line []byte) (file string, origin []byte, ok bool) {
	r.rest = bytes.TrimRight(line, "\r\n")
	if !bytes.EqualFold(r.word(), []byte("$INCLUDE")) {
		return "", nil, false
	}
	name := r.word()
	strange := slices.ContainsFunc(name, func(c byte) bool { return !plain(c) && c != '.' && c != '/' })
	if len(name) == 0 || strange || r.narrow && reserved(name) {
		return "", nil, false
	}
	if r.ended() {
		return string(name), r.origin, true
	}
	word := r.word()
	origin, ok = r.appendName(nil, word)
	return string(name), origin, ok && !(r.narrow && reserved(word)) && r.ended() // the library drops an origin that is called like a type
}
