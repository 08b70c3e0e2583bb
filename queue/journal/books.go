package journal

import (
	"database/sql"
	"errors"
	"time"

	"cpmd/queue/sale"
)

// BooksBetween reads the books of what was sent between two times.
func (j *Journal) BooksBetween(from, to time.Time) (map[string]sale.Book, error) {
	return j.books(`sent_at>=? AND sent_at<?`, toText(from), toText(to))
}

// BooksOf reads the books of one number.
func (j *Journal) BooksOf(outTradeNo string) (map[string]sale.Book, error) {
	return j.books(`out_trade_no=?`, outTradeNo)
}

// books reads payments and refunds as books, by number and kind.
func (j *Journal) books(where string, args ...any) (map[string]sale.Book, error) {
	rows, err := j.query(`SELECT * FROM (
		SELECT 'payment' AS kind, p.out_trade_no, p.syssn, s.id AS sale, '' AS refund, s.amount, s.currency, p.outcome AS state, p.sent_at,
			(SELECT coalesce(sum(amount), 0) FROM refund WHERE payment = p.out_trade_no AND state = 'refunded') AS gave_back, '' AS orig
		FROM payment p JOIN sale s ON s.id = p.sale_id
		UNION ALL
		SELECT 'refund', f.out_trade_no, f.syssn, f.sale_id, f.id, f.amount, f.currency, f.state, f.created_at, 0, f.paid_syssn FROM refund f)
		WHERE `+where, args...)
	if err != nil {
		return nil, err
	}
	all := map[string]sale.Book{}
	_, err = collect(rows, func(r row) (struct{}, error) {
		var b sale.Book
		var kind, sent string
		err := r.Scan(&kind, &b.OutTradeNo, &b.SysSN, &b.Sale, &b.Refund, &b.Amount, &b.Currency, &b.Here, &sent, &b.GaveBack, &b.Orig)
		b.Sent, b.IsRefund = fromText(sent), kind == "refund"
		b.Final = b.Here != string(sale.Alive) && b.Here != string(sale.Refunding) && b.Here != string(sale.RefundUnresolved)
		b.Kept = b.Here == string(sale.OutcomePaid) || b.Here == string(sale.Refunded)
		if b.Here == "" {
			b.Here = "unfinished"
		}
		all[b.OutTradeNo+kind] = b
		return struct{}{}, err
	})
	return all, err
}

// SaleOf returns the id of the sale that has a payment with the number or with QFPay's id, or "".
func (j *Journal) SaleOf(outTradeNo, sysSN string) (id string, err error) {
	err = j.queryRow(`SELECT sale_id FROM payment WHERE ?1<>'' AND out_trade_no=?1 OR ?2<>'' AND syssn=?2`, outTradeNo, sysSN).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return id, err
}
