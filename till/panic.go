package till

import (
	"fmt"
	"runtime"
	"strings"

	"go.uber.org/zap"
)

// logPanic logs where a request panicked. Of the value only its type is kept, unless the runtime made it: it
// could hold an auth code.
func (s *Server) logPanic(place string, v any) {
	what := fmt.Sprintf("%T", v)
	if e, ok := v.(runtime.Error); ok {
		what = e.Error()
	}
	s.log.Error("a request panicked; only that request is lost",
		zap.String("request", place), zap.String("panic", what), zap.Stack("stack"))
}

// about names in the log what a request was about.
func (a *ask) about(o *operation) []zap.Field {
	kind, _, of := strings.Cut(o.method, ".")
	if a.id == "" || !of || kind != "sale" && kind != "refund" {
		return nil
	}
	return []zap.Field{zap.String(kind, a.id)}
}
