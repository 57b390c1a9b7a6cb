// Package config reads and checks the configuration file: strict, every error
// at once with line and column; plain values, no behaviour.
//
// The story in ten lines: [Load] reads a YAML file, [Parse] its text. The syntax
// tree is walked by a schema that is a table of keys (schema.go), each with a
// reader that knows what it expects (scalar.go) and where the value goes
// (decode.go). Nothing stops at the first mistake: unknown keys, wrong types and
// impossible values are noted, each with its place, and reading goes on. Then
// the values are judged against each other (check.go): names that are used
// twice, views that no client can reach, prefixes that contradict. What comes
// back is either a [Config] in which every default is filled in and every path
// is relative to nothing but the working directory, or [Errors], which print as
// a compiler's do. What the keys mean is written in docs/reference/configuration.md.
//
// Standards: YAML 1.2 without anchors, aliases and tags; RFC 6052 2.2 (DNS64
// prefixes); RFC 1918, RFC 4193, RFC 6598 (who may ask by default). Not here:
// opening the files that are named in the configuration.
package config
