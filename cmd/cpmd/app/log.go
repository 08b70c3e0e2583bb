package app

import (
	"io"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"cpmd/cmd/cpmd/config"
)

// newLogger writes one line an entry. Secrets and codes are masked by their types, not here.
func newLogger(cfg config.Log, to io.Writer) *zap.Logger {
	e := zap.NewProductionEncoderConfig()
	e.EncodeTime = zapcore.ISO8601TimeEncoder
	e.TimeKey = "time"
	encoder := zapcore.NewJSONEncoder(e)
	if cfg.Format == "console" {
		encoder = zapcore.NewConsoleEncoder(e)
	}
	return zap.New(zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(to)), cfg.Level))
}
