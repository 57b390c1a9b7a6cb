// Package overlay reads what a .geo file lays over a zone: who hears other answers
// than those of the zone's master file, which stays as it is.
//
// The story in ten lines: an overlay is written in the grammar of master files, with
// five directives. Under $WHEN stand records for some clients; a [Condition] says for
// which. A $SITE is a place that serves, with its checks; under $AT stand its records.
// A $ROUTE sends the clients of a name to sites, and an $EXPECT is a question with the
// answer that it must have. Load reads all of it and judges what can be judged
// without knowing where clients are: spelling, names that are nowhere defined,
// conditions of which two may hold and neither is more specific. Each [Problem] has a
// file, a line, a column and a hint. Package tailor makes answers of it.
//
// Standards: RFC 1035 5 (master files), RFC 7871 7.4 (negative answers are for
// everyone, so that names must not exist for some clients only). Directives are ours.
package overlay
