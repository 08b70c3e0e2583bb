package till

import (
	"context"
	"fmt"
	"net"
)

// tooMany is what a connection beyond the bound is told, by dialect.
var tooMany = map[string]string{
	DialectHTTP: excuseHTTP(),
}

const excuse = "Too many connections at once; close some, or use each for many requests."

func excuseHTTP() string {
	body := fmt.Sprintf(`{"type":"about:blank","title":"Service Unavailable","status":503,"detail":%q,"code":%q}`, excuse, internal)
	return fmt.Sprintf("HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\n"+
		"Retry-After: 2\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

func (s *Server) serveLine(net.Listener, string, bool) func(context.Context) error {
	panic("the line dialect follows")
}
