package dig

import (
	"errors"
	"strings"

	"golang.org/x/net/idna"
)

// toASCII is a name with its U-labels as A-labels (RFC 5891 4). What is ASCII is
// left as it was typed: there are names, r3---sn of some CDN for one, that
// IDNA2008 would not have.
func toASCII(name string) (string, error) {
	if strings.IndexFunc(name, func(r rune) bool { return r >= 0x80 }) < 0 {
		return name, nil
	}
	ascii, err := international().ToASCII(name)
	if err != nil {
		why := errors.Unwrap(err)
		if why == nil {
			why = err
		}
		return "", fatal(exitUsage, "'%s' is not a legal IDNA2008 name (%s), use +noidnin", name, strings.TrimPrefix(why.Error(), "idna: "))
	}
	return ascii, nil
}

// toUnicode is a name in presentation form with its A-labels as U-labels. Labels
// that are no A-labels, though they begin so, stay what they are: nothing that is
// not a letter or digit of some script reaches the terminal.
func toUnicode(name string) string {
	labels := strings.Split(name, ".")
	for i, label := range labels {
		if len(label) < 4 || !strings.EqualFold(label[:4], "xn--") {
			continue
		}
		if u, err := international().ToUnicode(strings.ToLower(label)); err == nil {
			labels[i] = u
		}
	}
	return strings.Join(labels, ".")
}

// international is how names are mapped: UTS 46, not transitional, with the
// underscores and asterisks that DNS has.
func international() *idna.Profile {
	return idna.New(idna.MapForLookup(), idna.Transitional(false), idna.BidiRule(), idna.StrictDomainName(false))
}

func nameOptions() []plusOption {
	return []plusOption{
		sets(func(q *query) *bool { return &q.idn.in }, "idnin"),
		sets(func(q *query) *bool { return &q.idn.out }, "idnout"),
		{names: []string{"dns64prefix"}, set: setPrefix},
	}
}
