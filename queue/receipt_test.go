package queue

import (
	"strings"
	"testing"
	"time"

	"cpmd/payment"
	"cpmd/queue/sale"
)

// A receipt keeps the time at which the customer paid, whatever happens to the sale afterwards.
func TestReceipt(t *testing.T) {
	g := &fakeGateway{pay: always(payment.Paid), refund: func(int, payment.RefundRequest) payment.Answer { return answer(payment.Paid) }}
	bubble(t, g, func(c *counter) {
		c.open("a")
		_, err := c.Receipt(ctx, "a", sale.WideReceipt)
		wantCode(t, err, sale.NoReceipt, "a")
		_, err = c.Receipt(ctx, "b", sale.WideReceipt)
		wantCode(t, err, sale.UnknownSale, "")
		c.scan(code)
		paid := c.state("a")
		time.Sleep(time.Hour)
		if _, _, err := c.PutRefund(ctx, sale.RefundRequest{ID: "r", Sale: "a", Amount: 2850}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		r, err := c.Receipt(ctx, "a", sale.WideReceipt)
		if err != nil {
			t.Fatal(err)
		}
		if !r.PaidAt.Equal(paid.UpdatedAt) || r.PaidAt.Format("-07:00") != "+08:00" || r.AmountText != "HKD 128.50" || r.Wallet != "alipay" ||
			r.SysSN == "" || r.OutTradeNo != paid.Payments[0].OutTradeNo || len(r.Refunds) != 1 || r.KeptText != "HKD 100.00" {
			t.Errorf("got %+v, paid at %v", r, paid.UpdatedAt)
		}
		if strings.Contains(r.Text, code) {
			t.Error("the receipt has the payment code")
		}
	})
}
