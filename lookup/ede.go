package lookup

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/miekg/dns"
)

// EDE is an Extended DNS Error: an INFO-CODE and optional EXTRA-TEXT
// (RFC 8914 2).
type EDE struct {
	Code uint16
	Text string
}

// INFO-CODEs of the IANA registry that RFC 8914 4 began.
const (
	EDEOther                   uint16 = 0
	EDEUnsupportedAlgorithm    uint16 = 1
	EDEUnsupportedDigest       uint16 = 2
	EDEStaleAnswer             uint16 = 3
	EDEForgedAnswer            uint16 = 4
	EDEIndeterminate           uint16 = 5
	EDEBogus                   uint16 = 6
	EDESignatureExpired        uint16 = 7
	EDESignatureNotYetValid    uint16 = 8
	EDEDNSKEYMissing           uint16 = 9
	EDERRSIGsMissing           uint16 = 10
	EDENoZoneKey               uint16 = 11
	EDENSECMissing             uint16 = 12
	EDECachedError             uint16 = 13
	EDENotReady                uint16 = 14
	EDEBlocked                 uint16 = 15
	EDEFiltered                uint16 = 17
	EDEProhibited              uint16 = 18
	EDEStaleNXDOMAIN           uint16 = 19
	EDENotAuthoritative        uint16 = 20
	EDENotSupported            uint16 = 21
	EDENoReachableAuth         uint16 = 22
	EDENetworkError            uint16 = 23
	EDEInvalidData             uint16 = 24
	EDESignatureExpiredEarlier uint16 = 25 // before its validity began
	EDEUnsupportedNSEC3        uint16 = 27 // iterations
	EDEUnableToConform         uint16 = 28
	EDESynthesized             uint16 = 29
	EDEInvalidQueryType        uint16 = 30
	EDENegativeAnchor          uint16 = 33
)

// String is the code, its registered name, and the text.
func (e EDE) String() string {
	s := strconv.Itoa(int(e.Code))
	if name, ok := dns.ExtendedErrorCodeToString[e.Code]; ok {
		s += " (" + name + ")"
	} else if e.Code == EDENegativeAnchor {
		s += " (Negative Trust Anchor)"
	}
	if e.Text != "" {
		s += ": " + e.Text
	}
	return s
}

// Failure is the error of a Resolver that could not get an answer. The server
// turns it into SERVFAIL with its EDE.
type Failure struct {
	EDE   EDE
	Cause error // may be nil
}

// Error is the EDE, and the cause if there is one.
func (f *Failure) Error() string {
	if f.Cause != nil {
		return fmt.Sprintf("EDE %s: %v", f.EDE, f.Cause)
	}
	return "EDE " + f.EDE.String()
}

// Unwrap is the cause.
func (f *Failure) Unwrap() error { return f.Cause }

// Fail makes a Failure with a formatted EXTRA-TEXT.
func Fail(code uint16, format string, args ...any) *Failure {
	return &Failure{EDE: EDE{Code: code, Text: fmt.Sprintf(format, args...)}}
}

// EDEOf is the Extended DNS Error that err carries; for a deadline that passed
// it is 22 (No Reachable Authority), for all else 0 (Other).
func EDEOf(err error) EDE {
	if f, ok := errors.AsType[*Failure](err); ok {
		return f.EDE
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return EDE{Code: EDENoReachableAuth, Text: "no answer in time"}
	}
	return EDE{Code: EDEOther}
}
