package journal

import (
	"database/sql"
	"errors"
	"time"

	"cpmd/queue/sale"
)

// BooksBetween reads the books of what was sent between two times, also from archives.
func (j *Journal) BooksBetween(from, to time.Time) (map[string]sale.Book, error) {
	all, err := andPast(j, from, to, bookKey, func(j *Journal) ([]sale.Book, error) {
		return j.booksWhere(`sent_at>=? AND sent_at<?`, toText(from), toText(to))
	})
	return byKey(all), err
}

// BooksOf reads the books of one number, also from an archive.
func (j *Journal) BooksOf(outTradeNo string) (map[string]sale.Book, error) {
	all, _, err := orPast(j, "number", outTradeNo, func(j *Journal) ([]sale.Book, bool, error) {
		all, err := j.booksWhere(`out_trade_no=?`, outTradeNo)
		return all, len(all) > 0, err
	})
	return byKey(all), err
}

func bookKey(b sale.Book) string {
	if b.IsRefund {
		return b.OutTradeNo + "refund"
	}
	return b.OutTradeNo + "payment"
}

func byKey(all []sale.Book) map[string]sale.Book {
	keyed := map[string]sale.Book{}
	for _, b := range all {
		keyed[bookKey(b)] = b
	}
	return keyed
}

// booksWhere reads payments and refunds as books.
func (j *Journal) booksWhere(where string, args ...any) ([]sale.Book, error) {
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
	return collect(rows, func(r row) (b sale.Book, err error) {
		var kind, sent string
		err = r.Scan(&kind, &b.OutTradeNo, &b.SysSN, &b.Sale, &b.Refund, &b.Amount, &b.Currency, &b.Here, &sent, &b.GaveBack, &b.Orig)
		b.Sent, b.IsRefund = fromText(sent), kind == "refund"
		b.Final = b.Here != string(sale.Alive) && b.Here != string(sale.Refunding) && b.Here != string(sale.RefundUnresolved)
		b.Kept = b.Here == string(sale.OutcomePaid) || b.Here == string(sale.Refunded)
		if b.Here == "" {
			b.Here = "unfinished"
		}
		return b, err
	})
}

// SaleOf returns the id of the sale that has a payment with the number or with QFPay's id, or "".
func (j *Journal) SaleOf(outTradeNo, sysSN string) (id string, err error) {
	err = j.queryRow(`SELECT sale_id FROM payment WHERE ?1<>'' AND out_trade_no=?1 OR ?2<>'' AND syssn=?2`, outTradeNo, sysSN).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		id, _, err = scanPart(j.queryRow(whereArchived, "number", outTradeNo))
	}
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return id, err
}
