// Package store keeps on disk what has to outlive a restart.
//
// The story in ten lines: whoever has something to remember writes it with [Replace],
// into a new file beside the old one. Only when that is whole and on the disk does it
// take the old one's place, in one step. A crash, a full disk or an error in the
// middle leaves the old file as it was: a reader sees the one or the other and never
// a part. What the file says, and whether it can be believed, is the matter of who
// reads it. Files are read by everybody and written by their owner, so there must be
// no secret in them. Where what is read decides whom to believe, a [Vault] seals it: it
// notices damage, strangers and files that were put back from the past.
//
// Standards: POSIX rename and fsync, RFC 2104 (HMAC).
package store
