package app

import (
	"context"
	"io"
	"sync"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"cpmd/cmd/cpmd/config"
	"cpmd/payment"
	"cpmd/queue"
)

// newLogger writes one line an entry. Secrets and codes are masked by their types, not here.
func newLogger(cfg config.Log, level zap.AtomicLevel, to io.Writer) *zap.Logger {
	e := zap.NewProductionEncoderConfig()
	e.EncodeTime = zapcore.ISO8601TimeEncoder
	e.TimeKey = "time"
	encoder := zapcore.NewJSONEncoder(e)
	if cfg.Format == "console" {
		encoder = zapcore.NewConsoleEncoder(e)
	}
	return zap.New(zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(to)), level))
}

// logExchanges logs each request to QFPay for those who debug, and once that answers carry no signature.
func logExchanges(log *zap.Logger) func(context.Context, payment.Exchange) {
	var unsigned sync.Once
	return func(ctx context.Context, e payment.Exchange) {
		if e.Err == nil && e.Signature == "" {
			unsigned.Do(func() { log.Warn("QFPay's answers carry no signature; TLS alone vouches for them") })
		}
		log.Debug("request to QFPay", append(queue.TraceOf(ctx).Fields(), zap.String("endpoint", e.Endpoint), zap.Bool("sent", e.Sent),
			zap.Int("status", e.Status), zap.String("respcd", e.RespCD), zap.String("signature", e.Signature), zap.Duration("took", e.Took), zap.Error(e.Err))...)
	}
}
