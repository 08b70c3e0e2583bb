package payment

import (
	"context"
	"errors"
	"fmt"
	"strconv"
)

// Pay submits one payment: POST /trade/v1/payment (QFPay docs, CPM page). It is sent once at the most. Only Paid
// says that money is taken, only NotSent that nothing was asked for; whatever else comes has to be followed by
// queries. It returns within Config.Answer.
func (c *Client) Pay(ctx context.Context, o PaymentRequest) Answer {
	if err := o.check(); err != nil {
		return refusedHere(err)
	}
	f := newForm(
		field{"out_trade_no", o.OutTradeNo},
		field{"txamt", strconv.FormatInt(o.Amount, 10)},
		field{"txcurrcd", o.Currency},
		field{"pay_type", o.PayType},
		field{"auth_code", o.AuthCode.Reveal()},
		field{"txdtm", o.TxDTM},
		field{"udid", o.UDID},
	)
	r := c.exchange(ctx, endPayment, f, o.AuthCode, claim{class: money})
	return r.answer(payAnswer, echo{outTradeNo: o.OutTradeNo, amount: o.Amount, currency: o.Currency})
}

// Refund gives money of a paid payment back: POST /trade/v1/refund (QFPay docs, refund page). It is sent once at
// the most. Paid means given back; follow the rest by queries for the refund's own number.
func (c *Client) Refund(ctx context.Context, o RefundRequest) Answer {
	if err := o.check(); err != nil {
		return refusedHere(err)
	}
	f := newForm(
		field{"out_trade_no", o.OutTradeNo},
		field{"syssn", o.SysSN},
		field{"txamt", strconv.FormatInt(o.Amount, 10)},
		field{"txdtm", o.TxDTM},
		field{"udid", o.UDID},
	)
	r := c.exchange(ctx, endRefund, f, "", claim{class: money})
	return r.answer(refundAnswer, echo{outTradeNo: o.OutTradeNo, origSysSN: o.SysSN, amount: o.Amount, currency: o.Currency})
}

// Cancel asks QFPay to undo a payment that is not known to be paid: POST /trade/v1/reversal or /trade/v1/close by
// pay type (QFPay docs, reversal page). Whatever it answers, query afterwards: QFPay does not promise that a
// reversal left the customer uncharged, and a close of a paid WeChat payment gives the money back. The answers:
//
//   - Undone: accepted (0000), or the order was cancelled, closed or refunded before (1125, 1142, 1262, 1263, 1264).
//   - Pending: in progress (1143, 1145).
//   - Refused with RespCD AlreadyPaid: QFPay calls it paid; a query will say so.
//   - Refused otherwise: this payment cannot be cancelled (1101, 1104, 1150, 1155, 1297 and their like), or no way
//     to is documented for the pay type (no RespCD, nothing was sent), or the answer was 0000 without a syssn of
//     the reversal, which the Japan reference of 2018 calls "cancel unsupported". Do not ask again.
//   - Misconfigured, NotFound, Unknown, NotSent: as of a payment. Asking again does no harm.
func (c *Client) Cancel(ctx context.Context, u CancelRequest) Answer {
	endpoint := cancelEndpoint(u.PayType)
	if endpoint == "" {
		return Answer{Meaning: Refused, Err: fmt.Errorf("QFPay documents no way to cancel pay_type %q", u.PayType)}
	}
	if err := u.check(); err != nil {
		return refusedHere(err)
	}
	f := newForm(
		field{"out_trade_no", u.OutTradeNo},
		field{"syssn", u.SysSN},
		field{"txamt", strconv.FormatInt(u.Amount, 10)},
		field{"txdtm", u.TxDTM},
	)
	r := c.exchange(ctx, endpoint, f, "", claim{class: money})
	a := r.answer(cancelAnswer, echo{outTradeNo: u.OutTradeNo, origSysSN: u.SysSN, amount: u.Amount, currency: u.Currency})
	if a.RespCD == "0000" && a.Meaning == Undone {
		switch {
		case r.status/100 != 2:
			a = Answer{Meaning: Unknown, RespCD: a.RespCD, Text: a.Text, Alarm: fmt.Sprintf("QFPay says 0000 with HTTP status %d", r.status)}
		case a.SysSN == "":
			a.Meaning = Refused
		}
	}
	a.SysSN, a.ChnlSN = "", "" // they name the reversal; nobody shall take them for the payment's
	return a
}

// refusedHere is the answer to a request that is wrong by our own rules.
func refusedHere(err error) Answer {
	err = fmt.Errorf("not sent: %w", err)
	return Answer{Meaning: NotSent, Err: err, Alarm: err.Error()}
}

func (o PaymentRequest) check() error {
	if err := checkFields(o.OutTradeNo, "", o.Amount, o.Currency, o.TxDTM, o.UDID); err != nil {
		return err
	}
	if err := CheckAuthCode(o.AuthCode); err != nil {
		return err
	}
	return CheckPayType(o.PayType)
}

func (o RefundRequest) check() error {
	if o.SysSN == "" {
		return errors.New("a refund needs the payment's syssn; query the payment first")
	}
	return checkFields(o.OutTradeNo, o.SysSN, o.Amount, o.Currency, o.TxDTM, o.UDID)
}

func (u CancelRequest) check() error {
	return checkFields(u.OutTradeNo, u.SysSN, u.Amount, u.Currency, u.TxDTM, "")
}
