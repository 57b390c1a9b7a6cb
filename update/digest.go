package update

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/sextant-dns/sextant/zones"
)

// digest tells versions of a zone apart: two sums, modulo 2^64 each, over the first
// halves of the SHA-256 of its RRs, so that it does not depend on their order and a
// version's is found from that of the one before and what has changed. It is meant for
// accidents: nobody who can write the files is kept out.
type digest [2]uint64

func digestOf(z *zones.Zone) (d digest) {
	for r := range z.Records() {
		d = d.plus(r)
	}
	return d
}

func (d digest) plus(r zones.Record) digest {
	h := hashOf(r)
	return digest{d[0] + h[0], d[1] + h[1]}
}

func (d digest) minus(r zones.Record) digest {
	h := hashOf(r)
	return digest{d[0] - h[0], d[1] - h[1]}
}

// after is the digest of the version that a difference leads to.
func (d digest) after(diff zones.Difference) digest {
	d = d.minus(diff.From).plus(diff.To)
	for _, r := range diff.Deleted {
		d = d.minus(r)
	}
	for _, r := range diff.Added {
		d = d.plus(r)
	}
	return d
}

func hashOf(r zones.Record) digest {
	b := make([]byte, 0, 512)
	sum := sha256.Sum256(appendRecord(b, r))
	return digest{binary.BigEndian.Uint64(sum[:]), binary.BigEndian.Uint64(sum[8:])}
}
