package server

// pending is a query whose answer takes time, with memory of its own for the
// message and the reply.
type pending struct {
	query
	memory []byte // of query.msg
	reply  []byte
}

// keptReply is the largest memory for a reply that waits to be used again.
const keptReply = 4096

// newPending copies q, its message included.
func (s *Server) newPending(q *query) *pending {
	p := s.pendings.Get().(*pending)
	p.query = *q
	p.memory = append(p.memory[:0], q.msg...)
	p.msg = p.memory
	return p
}

// recycle takes back a pending that nobody uses any more.
func (s *Server) recycle(p *pending) {
	p.query = query{} // what it points to may go
	if cap(p.reply) > keptReply {
		p.reply = nil
	}
	s.pendings.Put(p)
}
