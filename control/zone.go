package control

import "fmt"

// ZoneStatusRequest asks how a zone is that clients update.
type ZoneStatusRequest struct {
	Zone string `json:"zone"`
}

// SyncZoneRequest has a zone be written into its master file. Of a file that was edited
// in between one side has to be given up: the edits, or what the file lacks.
type SyncZoneRequest struct {
	Zone      string `json:"zone"`
	Overwrite bool   `json:"overwrite,omitempty"` // the edits are lost
	Discard   bool   `json:"discard,omitempty"`   // the updates are lost: the file is read and not written
}

// ZoneStatus is how a zone is that clients update.
type ZoneStatus struct {
	Zone          string `json:"zone"`
	Serial        uint32 `json:"serial"` // that is served
	File          string `json:"file"`
	FileSerial    uint32 `json:"file_serial"` // when it was read or written last
	Pending       int    `json:"pending"`     // versions that came after it
	Journal       string `json:"journal"`
	JournalOctets int64  `json:"journal_octets"`
}

// String is the status in one line.
func (s ZoneStatus) String() string {
	if s.Pending == 0 {
		return fmt.Sprintf("%s serial %d, and so has %s; journal %s, %d octets\n", s.Zone, s.Serial, s.File, s.Journal, s.JournalOctets)
	}
	return fmt.Sprintf("%s serial %d; %s has serial %d and lacks %d changes; journal %s, %d octets\n",
		s.Zone, s.Serial, s.File, s.FileSerial, s.Pending, s.Journal, s.JournalOctets)
}
