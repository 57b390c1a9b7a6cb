package update

import (
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/message"
	"github.com/sextant-dns/sextant/zones"
)

var errNoData = errors.New("there is no zone to change: its file was not taken")

// zeroTime is what package store takes for now.
var zeroTime time.Time

// Options are what a Zone has to know.
type Options struct {
	Apex    lookup.Name
	File    string // the master file
	Journal string // where changes are kept; its folder must be writable

	// Read reads the master file. Its errors name the file.
	Read func() (*zones.Zone, error)

	// Use is called after the zone has become another and before anybody is told so: it
	// has to see to it that the new one is served. It must call nothing of the Zone but
	// Data and History; nil: nobody wants to know.
	Use func()

	Observe func(Event) // told of all that happens; safe for concurrent use, must not block; nil: nobody is
}

// Kind is what an Event is about.
type Kind uint8

// The kinds of Event.
const (
	Updated  Kind = iota // changes have been made
	Refused              // an UPDATE was not done
	Shorn                // the journal ended in the middle of a write: what nobody was told is gone
	Unstored             // the journal could not be written
	Synced               // the master file was written
	Dropped              // changes were given up for what the file says
)

// Event is something that happened to a zone.
type Event struct {
	Kind     Kind
	Zone     lookup.Name
	From     netip.Addr       // who asked
	Key      lookup.Name      // that they have signed with
	Response *lookup.Response // of Refused
	Serial   uint32           // the zone's now
	Deleted  int              // RRs
	Added    int              // RRs
	Octets   int              // of Shorn
	Err      error
}

// Request is an UPDATE and who asks for it.
type Request struct {
	From    netip.Addr
	Key     lookup.Name // that it was signed with; "": it was not
	Grants  []Grant     // of the zone, for all who may do something
	Message *message.Records
}

// Zone is a zone that changes while it is served. Its methods are safe for concurrent use.
type Zone struct {
	options Options
	now     atomic.Pointer[current]

	queue   sync.Mutex
	waiting []*waiting

	mu      sync.Mutex // who holds it works on what follows
	chain   chain
	journal journal
	known   bool // the journal was read
	dirty   bool // the journal is not what it should be
	opened  bool // it may be written
}

// current is a zone and what has led to it. It is immutable.
type current struct {
	zone    *zones.Zone
	history []zones.Difference
}

// waiting is an UPDATE that waits for its turn.
type waiting struct {
	Request
	response *lookup.Response // nil: its turn has not come
	diff     zones.Difference
}

// maxWaiting is how many UPDATEs for a zone may wait; what comes then is told to come
// again.
const maxWaiting = 1000

// New makes a Zone without data. It reads and writes nothing.
func New(o Options) *Zone {
	if o.Use == nil {
		o.Use = func() {}
	}
	if o.Observe == nil {
		o.Observe = func(Event) {}
	}
	return &Zone{options: o, journal: journal{path: o.Journal, apex: o.Apex}}
}

// Data is the zone as it is to be served, nil before the first Take. History is the
// differences that have led to it, the latest last.
func (z *Zone) Data() (data *zones.Zone, history []zones.Difference) {
	c := z.now.Load()
	if c == nil {
		return nil, nil
	}
	return c.zone, c.history
}

// Check tells what Take would say of a file, and changes nothing.
func (z *Zone) Check(file *zones.Zone) error {
	z.mu.Lock()
	defer z.mu.Unlock()
	_, _, err := z.plan(file)
	if z.now.Load() == nil {
		z.known = false // somebody may write the journal until Take
	}
	return err
}

// Take makes the zone what the master file says, with what has been changed since it was
// written. A file that was edited in between is an EditedError, and a journal that cannot
// be believed a CorruptError: then the zone stays as it is. That the journal cannot be
// written, as on a full disk, is no error: the zone is served, and changes fail until it can.
func (z *Zone) Take(file *zones.Zone) error {
	z.mu.Lock()
	defer z.mu.Unlock()
	was := z.chain
	c, is, err := z.plan(file)
	if err != nil {
		return err
	}
	if c.first != was.first || c.file != was.file || len(c.steps) != len(was.steps) {
		z.dirty = true
	}
	z.set(c, is)
	if z.opened {
		_ = z.settle() // it is told, and tried again before the next change
	}
	return nil
}

// Open allows for changes, which have to be written. It is called once, after Take. It is
// an error when another process has done the same with the journal, which is locked until
// Close where the system knows of that. A journal that was there and cannot be written, as on
// a full disk, is no error: the zone is served, and changes fail until it can.
func (z *Zone) Open() error {
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.now.Load() == nil {
		return errNoData
	}
	if err := z.journal.take(); err != nil {
		return err
	}
	z.opened = true
	if err := z.settle(); err != nil && !z.journal.good {
		return err
	}
	return nil
}

// Close ends changes.
func (z *Zone) Close() {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.opened = false
	z.journal.release()
}

// settle writes the journal anew if it is not what it should be, or shorter if it has
// become long. z.mu is held.
func (z *Zone) settle() error {
	if z.journal.file != nil && !z.dirty && !z.journal.isFull() {
		return nil
	}
	short, err := z.chain.cut(z.most())
	if err == nil {
		err = z.journal.rewrite(short)
	}
	if err != nil {
		z.options.Observe(Event{Kind: Unstored, Zone: z.options.Apex, Serial: z.chain.last().serial, Err: err})
		return err
	}
	z.chain, z.dirty = short, false
	return nil
}

// most is how many RRs of differences a journal is cut down to: what RFC 1995 5 calls for
// at least.
func (z *Zone) most() int { return max(1000, z.now.Load().zone.Len()) }

func (z *Zone) set(c chain, is *zones.Zone) {
	z.chain = c
	z.now.Store(&current{is, c.history()})
}

// plan is what the zone and its chain become with a file. z.mu is held.
func (z *Zone) plan(file *zones.Zone) (chain, *zones.Zone, error) {
	v := versionOf(file)
	if err := z.read(v); err != nil {
		return chain{}, nil, err
	}
	c, is := z.chain, z.now.Load()
	if at, ok := c.find(v); ok {
		c.file = at
		if is != nil {
			return c, is.zone, nil
		}
		data, err := replay(file, c.pending())
		if err != nil {
			return c, nil, &CorruptError{File: z.options.Journal, Cause: err}
		}
		return c, data, nil
	}
	switch {
	case len(c.pending()) > 0:
		return c, nil, z.edited(v)
	case is != nil && zones.Newer(v.serial, c.last().serial):
		d := zones.Difference{From: is.zone.SOARecord(), To: file.SOARecord()}
		d.Deleted, d.Added = zones.Diff(is.zone, file)
		c = c.extended(d)
		c.file = len(c.steps)
		return c, file, nil
	}
	return chain{first: v}, file, nil
}

func (z *Zone) edited(v version) error {
	return &EditedError{
		Zone: z.options.Apex, File: z.options.File, JournalsFile: z.options.Journal, Serial: v.serial,
		From: z.chain.at(z.chain.file).serial, To: z.chain.last().serial, Changes: len(z.chain.pending()),
	}
}

// read reads the journal, once. Without one the chain begins with the file.
func (z *Zone) read(file version) error {
	if z.known {
		return nil
	}
	z.journal.was = z.journal.stat() // before it is read: what is written meanwhile is noticed
	c, good, size, there, err := readJournal(z.options.Journal, z.options.Apex)
	if err != nil {
		return err
	}
	if z.journal.good = there; !there {
		c = chain{first: file}
	}
	if good < size {
		z.options.Observe(Event{Kind: Shorn, Zone: z.options.Apex, Serial: c.last().serial, Octets: size - good})
	}
	z.chain, z.known, z.dirty = c, true, true
	return nil
}

// Status is how a zone is.
type Status struct {
	Zone    lookup.Name
	Serial  uint32
	File    uint32 // the serial that the master file had when it was read or written last
	Pending int    // differences that the file lacks
	Journal int64  // its size in octets; 0: it is not written
}

// Status is how the zone is now. Take must have succeeded.
func (z *Zone) Status() Status {
	z.mu.Lock()
	defer z.mu.Unlock()
	c := z.chain
	return Status{Zone: z.options.Apex, Serial: c.last().serial, File: c.at(c.file).serial, Pending: len(c.pending()), Journal: z.journal.size}
}
