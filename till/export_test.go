package till

import "time"

// SetLimits makes limits small enough to be met in a test.
func (s *Server) SetLimits(connections, calls int, read, write, beat time.Duration) {
	s.limits.connections, s.limits.calls = connections, calls
	s.limits.read, s.limits.write, s.limits.beat = read, write, beat
}

var (
	Members    = members
	DecodeHTTP = func(body []byte) error { return decode(newAsk(""), operations[0].fields, nil, "", body) }
)
