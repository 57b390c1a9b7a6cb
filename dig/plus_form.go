package dig

// formOptions are those that decide in which form RRs and messages are printed.
func formOptions() []plusOption {
	return []plusOption{
		sets(func(q *query) *bool { return &q.show.multiline }, "multiline"),
		sets(func(q *query) *bool { return &q.show.oneSOA }, "onesoa"),
		sets(func(q *query) *bool { return &q.show.identify }, "identify"),
		sets(func(q *query) *bool { return &q.show.crypto }, "crypto"),
		sets(func(q *query) *bool { return &q.show.expanded }, "expandaaaa"),
		sets(func(q *query) *bool { return &q.show.unknown }, "unknownformat"),
		{names: []string{"ttlunits"}, set: func(_ *parser, q *query, on bool, _ string) error {
			q.show.ttlUnits = on
			q.show.ttl = q.show.ttl || on
			return nil
		}},
		{names: []string{"rrcomments"}, set: func(_ *parser, q *query, on bool, _ string) error {
			q.show.remarks = -1
			if on {
				q.show.remarks = 1
			}
			return nil
		}},
		{names: []string{"split"}, value: bare, set: setSplit},
		language("yaml", formYAML),
		language("json", formJSON),
	}
}

// language is an option that chooses the language of all that is printed.
func language(name string, f form) plusOption {
	return plusOption{names: []string{name}, own: f == formJSON, set: func(p *parser, q *query, on bool, _ string) error {
		switch {
		case on:
			p.command.form, p.command.greet, q.show.stats = f, false, false
		case p.command.form == f:
			p.command.form = formText
		}
		return nil
	}}
}

// setSplit rounds up to what both base64 and hexadecimal can be cut into.
func setSplit(p *parser, _ *query, on bool, value string) error {
	if !on {
		p.command.split = 0
		return nil
	}
	if value == "" {
		return nil
	}
	n, err := number("split", value, 1023)
	if err != nil {
		return err
	}
	if n%4 != 0 {
		n += 4 - n%4
		p.warn("split must be a multiple of 4; adjusting to %d", n)
	}
	p.command.split = n
	return nil
}
