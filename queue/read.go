package queue

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// row is what database/sql's Row and Rows share.
type row interface{ Scan(dest ...any) error }

// The reads of every step.
const (
	selectSale     = `SELECT ` + saleColumns + ` FROM sale WHERE id=?`
	selectPayments = `SELECT out_trade_no, pay_type, code_mask, code_hash, txdtm, outcome, sent_at, confirm_by, give_up_by, syssn,
		chnlsn, respcd, resolved, progress FROM payment WHERE sale_id=? ORDER BY n`
	selectCodeUse = `SELECT EXISTS (SELECT 1 FROM payment WHERE code_hash=? AND outcome<>'not_sent')`
)

const saleColumns = `id, lane, ticket, amount, currency, content, state, reason, cancel_asked, created_at, updated_at, scan_by, next_at, settle, delivery, slow, refunded, seq`

func readSale(r row) (s Sale, err error) {
	var created, updated, scanBy, next string
	err = r.Scan(&s.ID, &s.Lane, &s.Ticket, &s.Amount, &s.Currency, &s.Content, &s.State, &s.Reason, &s.CancelAsked,
		&created, &updated, &scanBy, &next, &s.Settle, &s.Delivery, &s.Slow, &s.Refunded, &s.Seq)
	s.CreatedAt, s.UpdatedAt, s.ScanBy, s.NextAt = fromText(created), fromText(updated), fromText(scanBy), fromText(next)
	return s, err
}

// sale reads one sale with its payments; ok is false where there is none.
func (j *Journal) sale(id string) (s Sale, ok bool, err error) {
	s, err = readSale(j.prepared[selectSale].QueryRow(id))
	if errors.Is(err, sql.ErrNoRows) {
		return Sale{}, false, nil
	}
	if err == nil {
		s.Payments, err = j.payments(id)
	}
	return s, err == nil, err
}

func (j *Journal) payments(sale string) ([]Payment, error) {
	rows, err := j.prepared[selectPayments].Query(sale)
	if err != nil {
		return nil, err
	}
	return collect(rows, func(r row) (p Payment, err error) {
		var sent, confirm, giveUp, progress string
		if err = r.Scan(&p.OutTradeNo, &p.PayType, &p.Code.Mask, &p.Code.Hash, &p.TxDTM, &p.Outcome, &sent, &confirm, &giveUp,
			&p.SysSN, &p.ChnlSN, &p.RespCD, &p.Resolved, &progress); err != nil {
			return p, err
		}
		p.SentAt, p.ConfirmBy, p.GiveUpBy = fromText(sent), fromText(confirm), fromText(giveUp)
		return p, json.Unmarshal([]byte(progress), &p.Progress)
	})
}

// collect reads all rows and closes them.
func collect[T any](rows *sql.Rows, read func(row) (T, error)) ([]T, error) {
	defer rows.Close()
	var all []T
	for rows.Next() {
		v, err := read(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

// sales reads the sales that match, newest first, with their payments. Days are those of loc.
func (j *Journal) sales(f SaleFilter, loc *time.Location) ([]Sale, error) {
	where, args := []string{"1"}, []any{}
	add := func(cond string, a ...any) { where, args = append(where, cond), append(args, a...) }
	if f.State != "" {
		add("state=?", f.State)
	}
	if f.Lane != "" {
		add("lane=?", f.Lane)
	}
	if f.Ticket != "" {
		add("ticket=?", f.Ticket)
	}
	if f.Day != "" {
		from, to, err := dayBounds(f.Day, loc)
		if err != nil {
			return nil, err
		}
		add("created_at>=? AND created_at<?", toText(from), toText(to))
	}
	limit := f.Limit
	if limit == 0 {
		limit = 100
	}
	return j.salesWhere(strings.Join(where, " AND ")+fmt.Sprintf(" ORDER BY created_at DESC, rowid DESC LIMIT %d", limit), args...)
}

func (j *Journal) salesWhere(where string, args ...any) ([]Sale, error) {
	rows, err := j.db.Query(`SELECT `+saleColumns+` FROM sale WHERE `+where, args...)
	if err != nil {
		return nil, err
	}
	all, err := collect(rows, readSale)
	if err != nil {
		return nil, err
	}
	for i := range all { // one connection: the rows above are closed by now
		if all[i].Payments, err = j.payments(all[i].ID); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// unfinished reads all sales that still have something to come, oldest first.
func (j *Journal) unfinished() ([]Sale, error) {
	return j.salesWhere(`state NOT IN ('paid','not_paid') OR delivery IN ('awaited','returning') ORDER BY created_at, rowid`)
}

const refundColumns = `id, sale_id, amount, currency, out_trade_no, paid_syssn, txdtm, state, why, created_at, updated_at, next_at, syssn, respcd, seq, progress`

func readRefund(r row) (f Refund, err error) {
	var created, updated, next, progress string
	if err = r.Scan(&f.ID, &f.Sale, &f.Amount, &f.Currency, &f.OutTradeNo, &f.PaidSysSN, &f.TxDTM, &f.State, &f.Why,
		&created, &updated, &next, &f.SysSN, &f.RespCD, &f.Seq, &progress); err != nil {
		return f, err
	}
	f.CreatedAt, f.UpdatedAt, f.NextAt = fromText(created), fromText(updated), fromText(next)
	return f, json.Unmarshal([]byte(progress), &f.Progress)
}

func (j *Journal) refund(id string) (f Refund, ok bool, err error) {
	f, err = readRefund(j.db.QueryRow(`SELECT `+refundColumns+` FROM refund WHERE id=?`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return Refund{}, false, nil
	}
	return f, err == nil, err
}

// refundsOf reads the refunds of a sale, oldest first.
func (j *Journal) refundsOf(sale string) ([]Refund, error) {
	return j.refundsWhere(`sale_id=? ORDER BY created_at, rowid`, sale)
}

// unfinishedRefunds reads the refunds that are being followed, oldest first.
func (j *Journal) unfinishedRefunds() ([]Refund, error) {
	return j.refundsWhere(`state='refunding' ORDER BY created_at, rowid`)
}

// salesBetween reads the sales that were opened from one time until before another, oldest first.
func (j *Journal) salesBetween(from, to time.Time) ([]Sale, error) {
	return j.salesWhere(`created_at>=? AND created_at<? ORDER BY created_at, rowid`, toText(from), toText(to))
}

// refundsOfSalesBetween reads the refunds of those sales.
func (j *Journal) refundsOfSalesBetween(from, to time.Time) ([]Refund, error) {
	return j.refundsWhere(`sale_id IN (SELECT id FROM sale WHERE created_at>=? AND created_at<?)`, toText(from), toText(to))
}

func (j *Journal) refundsWhere(where string, args ...any) ([]Refund, error) {
	rows, err := j.db.Query(`SELECT `+refundColumns+` FROM refund WHERE `+where, args...)
	if err != nil {
		return nil, err
	}
	return collect(rows, readRefund)
}

// codeUsed says whether a code was submitted before, by any sale.
func (j *Journal) codeUsed(hash string) (used bool, err error) {
	err = j.prepared[selectCodeUse].QueryRow(hash).Scan(&used)
	return used, err
}

// unresolvedTicket returns the id of an unfinished sale of the same bill, or "".
func (j *Journal) unresolvedTicket(ticket string, amount int64, currency string) (id string, err error) {
	if ticket == "" {
		return "", nil
	}
	err = j.db.QueryRow(`SELECT id FROM sale WHERE ticket=? AND amount=? AND currency=? AND state NOT IN ('paid','not_paid')`,
		ticket, amount, currency).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return id, err
}

// notices reads what tills were told after a seq, in order.
func (j *Journal) notices(after int64, limit int) ([]Notice, error) {
	rows, err := j.db.Query(`SELECT seq, kind, at, told FROM event WHERE seq>? AND told IS NOT NULL ORDER BY seq LIMIT ?`, after, limit)
	if err != nil {
		return nil, err
	}
	return collect(rows, func(r row) (n Notice, err error) {
		var at, told string
		err = r.Scan(&n.Seq, &n.Kind, &at, &told)
		n.At, n.Data = fromText(at), json.RawMessage(told)
		return n, err
	})
}

// dayBounds are the first moment of a day and of the next.
func dayBounds(day string, loc *time.Location) (from, to time.Time, err error) {
	from, err = time.ParseInLocation(time.DateOnly, day, loc)
	if err != nil {
		return from, to, &Error{Code: InvalidRequest, Detail: "day must be written as YYYY-MM-DD, such as 2026-11-22"}
	}
	return from, from.AddDate(0, 0, 1), nil
}
