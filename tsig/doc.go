// Package tsig signs messages with keys that two servers share, and checks such
// signatures.
//
// The story in ten lines: a [Key] has a name, an algorithm and a secret. Who asks
// calls [Ask], which appends a TSIG to the request and gives the [Session] by which
// [Session.Check] judges each message of the reply; [Session.Done] tells whether the
// last one was signed. Who answers calls [Accept] with the request and what it has
// of keys, and [Session.Sign] appends a TSIG to each message of the reply. A request
// whose signature is wrong gives a Session, too: its Sign says what was wrong, and
// signs that when the key is not what is in doubt. Messages are octets here, before
// they are decoded and after they are encoded; nothing else is known of them than
// where their RRs begin and end.
//
// Standards: RFC 8945 (all of it but GSS-TSIG, HMAC-MD5 and the forwarding of
// messages, 5.5), RFC 4635 (algorithms).
package tsig
