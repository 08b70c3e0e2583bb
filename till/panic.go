package till

import (
	"fmt"
	"runtime"

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
