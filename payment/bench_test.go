package payment

import (
	"net/http"
	"strings"
	"testing"
)

func BenchmarkSign(b *testing.B) {
	f := newForm(field{"out_trade_no", order.OutTradeNo}, field{"txamt", "100"}, field{"txcurrcd", "HKD"}, field{"pay_type", "800008"},
		field{"auth_code", order.AuthCode.Reveal()}, field{"txdtm", order.TxDTM}, field{"udid", order.UDID}, field{"mchid", "R1zQrTdJnn"})
	for _, algorithm := range []string{"MD5", "SHA256"} {
		b.Run(algorithm, func(b *testing.B) {
			s := &signer{key: testKey, algorithm: algorithm}
			b.ReportAllocs()
			for b.Loop() {
				s.sign(f.raw())
			}
		})
	}
}

// An answer from the bytes to its meaning, its signature included.
func BenchmarkAnswer(b *testing.B) {
	s := &signer{key: testKey}
	h := http.Header{"X-Qf-Sign": {seal5(paidBody)}}
	hide := scrubber(map[string]string{testKey: hidden})
	b.ReportAllocs()
	for b.Loop() {
		r := reply{sent: true, status: 200}
		r.read(s, h, []byte(paidBody), hide)
		if r.answer(payAnswer, wantOrder()).Meaning != Paid {
			b.Fatal("not paid")
		}
	}
}

// A full page of a query, from the bytes to the finding.
func BenchmarkFinding(b *testing.B) {
	items := strings.Split(strings.Repeat(itemBody+"\n", pageSize), "\n")[:pageSize]
	body := listBody(items...)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		p := replied(200, body).page()
		if f, ok := question.judge(p.items); !ok || f.Meaning != Paid {
			b.Fatal("not paid")
		}
	}
}
