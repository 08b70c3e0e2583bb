package journal

import (
	"cmp"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"cpmd/queue/sale"
)

// row is what database/sql's Row and Rows share.
type row interface{ Scan(dest ...any) error }

// The reads of every step.
const (
	selectSale     = `SELECT ` + saleColumns + ` FROM sale WHERE id=?`
	selectPayments = `SELECT out_trade_no, pay_type, code_mask, code_hash, txdtm, outcome, sent_at, confirm_by, give_up_by, syssn,
		chnlsn, respcd, resolved, audit_at, progress FROM payment WHERE sale_id=? ORDER BY n`
	selectCodeUse = `SELECT EXISTS (SELECT 1 FROM payment WHERE code_hash=?1 AND outcome<>'not_sent')
		OR EXISTS (SELECT 1 FROM archived WHERE kind='code' AND key=?1 AND back=0)`
)

const saleColumns = `id, lane, ticket, amount, currency, content, state, reason, cancel_asked, created_at, updated_at, scan_by, next_at, settle, delivery, slow, refunded, seq,
	opened_by, operator, shift, metadata, rejected, ended_at`

func readSale(r row) (s sale.Sale, err error) {
	var created, updated, scanBy, next, settle, metadata, ended string
	err = r.Scan(&s.ID, &s.Lane, &s.Ticket, &s.Amount, &s.Currency, &s.Content, &s.State, &s.Reason, &s.CancelAsked,
		&created, &updated, &scanBy, &next, &settle, &s.Delivery, &s.Slow, &s.Refunded, &s.Seq,
		&s.By, &s.Operator, &s.Shift, &metadata, &s.Rejected, &ended)
	s.ConfirmDelivery, s.EndedAt = settle != "", fromText(ended)
	if err == nil && metadata != "" {
		err = json.Unmarshal([]byte(metadata), &s.Metadata)
	}
	s.CreatedAt, s.UpdatedAt, s.ScanBy, s.NextAt = fromText(created), fromText(updated), fromText(scanBy), fromText(next)
	return s, err
}

// Sale reads one sale with its payments, also from an archive; ok is false where there is none.
func (j *Journal) Sale(id string) (s sale.Sale, ok bool, err error) {
	return orPast(j, "sale", id, func(j *Journal) (sale.Sale, bool, error) { return j.saleHere(id) })
}

func (j *Journal) saleHere(id string) (s sale.Sale, ok bool, err error) {
	s, err = readSale(j.queryRow(selectSale, id))
	if errors.Is(err, sql.ErrNoRows) {
		return sale.Sale{}, false, nil
	}
	if err == nil {
		s.Payments, err = j.payments(id)
	}
	return s, err == nil, err
}

func (j *Journal) payments(id string) ([]sale.Payment, error) {
	rows, err := j.query(selectPayments, id)
	if err != nil {
		return nil, err
	}
	return collect(rows, func(r row) (p sale.Payment, err error) {
		var sent, confirm, giveUp, audit, progress string
		if err = r.Scan(&p.OutTradeNo, &p.PayType, &p.Code.Mask, &p.Code.Hash, &p.TxDTM, &p.Outcome, &sent, &confirm, &giveUp,
			&p.SysSN, &p.ChnlSN, &p.RespCD, &p.Resolved, &audit, &progress); err != nil {
			return p, err
		}
		p.SentAt, p.ConfirmBy, p.GiveUpBy, p.AuditAt = fromText(sent), fromText(confirm), fromText(giveUp), fromText(audit)
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

// Sales reads the sales that match, newest first, with their payments. Days are those of loc. The archives are looked
// into where a day is asked for.
func (j *Journal) Sales(f sale.Filter, loc *time.Location) ([]sale.Sale, error) {
	if f.Day == "" {
		return j.salesHere(f, loc)
	}
	from, to, err := sale.DayBounds(f.Day, loc)
	if err != nil {
		return nil, err
	}
	all, err := andPast(j, from, to, saleID, func(j *Journal) ([]sale.Sale, error) { return j.salesHere(f, loc) })
	slices.SortStableFunc(all, func(a, b sale.Sale) int { return b.CreatedAt.Compare(a.CreatedAt) })
	return all[:min(len(all), limitOf(f))], err
}

func saleID(s sale.Sale) string { return s.ID }

func limitOf(f sale.Filter) int { return cmp.Or(f.Limit, 100) }

func (j *Journal) salesHere(f sale.Filter, loc *time.Location) ([]sale.Sale, error) {
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
	if f.By != "" {
		add("(opened_by=? OR substr(opened_by, 1, length(?)+7)=?||', user ')", f.By, f.By, f.By) // an endpoint, whatever its user
	}
	if f.Day != "" {
		from, to, err := sale.DayBounds(f.Day, loc)
		if err != nil {
			return nil, err
		}
		add("created_at>=? AND created_at<?", toText(from), toText(to))
	}
	return j.salesWhere(strings.Join(where, " AND ")+" ORDER BY created_at DESC, rowid DESC LIMIT ?", append(args, limitOf(f))...)
}

func (j *Journal) salesWhere(where string, args ...any) ([]sale.Sale, error) {
	rows, err := j.query(`SELECT `+saleColumns+` FROM sale WHERE `+where, args...)
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

// UnfinishedSales reads all sales that still have something to come, oldest first.
func (j *Journal) UnfinishedSales() ([]sale.Sale, error) {
	return j.salesWhere(`state NOT IN ('paid','not_paid') OR delivery IN ('awaited','returning') ORDER BY created_at, rowid`)
}

// SalesEndedBetween reads the sales that became final from one time until before another, oldest first, also from archives.
func (j *Journal) SalesEndedBetween(from, to time.Time) ([]sale.Sale, error) {
	all, err := andPast(j, from, to, saleID, func(j *Journal) ([]sale.Sale, error) {
		return j.salesWhere(`ended_at>=? AND ended_at<? ORDER BY ended_at, rowid`, toText(from), toText(to))
	})
	slices.SortStableFunc(all, func(a, b sale.Sale) int { return a.EndedAt.Compare(b.EndedAt) })
	return all, err
}

// UnfinishedSince counts the sales opened from one time until before another that are not final.
func (j *Journal) UnfinishedSince(from, to time.Time) (n int, err error) {
	err = j.queryRow(`SELECT count(*) FROM sale WHERE created_at>=? AND created_at<? AND state NOT IN ('paid','not_paid')`,
		toText(from), toText(to)).Scan(&n)
	return n, err
}

// CodeUsed reports whether a code was submitted before, by any sale.
func (j *Journal) CodeUsed(hash string) (used bool, err error) {
	err = j.queryRow(selectCodeUse, hash).Scan(&used)
	return used, err
}

// UnfinishedTicket returns the id of an unfinished sale of the same bill, or "".
func (j *Journal) UnfinishedTicket(ticket string) (id string, err error) {
	return j.saleOfTicket(ticket, `state NOT IN ('paid','not_paid')`)
}

// PaidTicket returns the id of a sale of the same bill that was paid since a time and not wholly refunded, or "".
func (j *Journal) PaidTicket(ticket string, since time.Time) (id string, err error) {
	return j.saleOfTicket(ticket, `state='paid' AND refunded<amount AND ended_at>=?`, toText(since))
}

func (j *Journal) saleOfTicket(ticket, where string, args ...any) (id string, err error) {
	if ticket == "" {
		return "", nil
	}
	err = j.queryRow(`SELECT id FROM sale WHERE ticket=? AND `+where+` ORDER BY created_at DESC LIMIT 1`, append([]any{ticket}, args...)...).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return id, err
}
