// Package control is how operators talk to a server that runs: questions about
// what it knows and why it answers as it does, and orders, over a Unix socket.
//
// The story in ten lines: a [Server] listens on a socket in the file system, and
// whoever may open that file may do everything; there is no other right and no
// password. A call is one HTTP request, POST to a path such as
// /v1/cache/lookup with a JSON object, and one JSON object back, or for a dump one
// object a line; curl will do, and [Client] is the same in Go. What is behind a
// path is one function of [Handlers], given by whoever wires the program, so this
// package knows no resolver and no cache. A function that is not given is a path
// that is not there. [Explain] is the one thing that is done here: it resolves a
// query with a lookup.Trace in it and tells the story, wherever the resolver runs.
// Texts for people are made by the types themselves.
//
// Standards: RFC 9110 and RFC 9112 (HTTP), RFC 8259 (JSON), RFC 1035 5 (the form of
// dumps). A path is never taken away or given another meaning within /v1; fields
// may be added.
package control
