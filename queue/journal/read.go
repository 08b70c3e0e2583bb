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

// A sale is read in one statement with its payments, so that nobody sees the one before a change and the others after it.
const (
	selectSale = `SELECT ` + saleColumns + `, coalesce(p.n,0), coalesce(p.out_trade_no,''), coalesce(p.pay_type,''), coalesce(p.code_mask,''),
		coalesce(p.code_hash,''), coalesce(p.txdtm,''), coalesce(p.outcome,''), coalesce(p.sent_at,''), coalesce(p.confirm_by,''),
		coalesce(p.give_up_by,''), coalesce(p.syssn,''), coalesce(p.chnlsn,''), coalesce(p.respcd,''), coalesce(p.resolved,''),
		coalesce(p.audit_at,''), coalesce(p.progress,'')
		FROM sale s LEFT JOIN payment p ON p.sale_id=s.id WHERE s.id=? ORDER BY p.n`
	saleColumns = `s.id, s.lane, s.ticket, s.amount, s.currency, s.content, s.state, s.reason, s.cancel_asked, s.created_at, s.updated_at, s.scan_by,
		s.next_at, s.settle, s.delivery, s.slow, s.refunded, s.seq, s.opened_by, s.operator, s.shift, s.metadata, s.rejected, s.ended_at`
	selectCodeUse = `SELECT EXISTS (SELECT 1 FROM payment WHERE code_hash=?1 AND outcome<>'not_sent')
		OR EXISTS (SELECT 1 FROM archived WHERE kind='code' AND key=?1 AND back=0)`
)

// readSale reads a sale and one of its payments; n is 0 where it has none.
func readSale(r row) (s sale.Sale, p sale.Payment, n int, err error) {
	var created, updated, scanBy, next, settle, metadata, ended, sent, confirm, giveUp, audit, progress string
	if err = r.Scan(&s.ID, &s.Lane, &s.Ticket, &s.Amount, &s.Currency, &s.Content, &s.State, &s.Reason, &s.CancelAsked,
		&created, &updated, &scanBy, &next, &settle, &s.Delivery, &s.Slow, &s.Refunded, &s.Seq,
		&s.By, &s.Operator, &s.Shift, &metadata, &s.Rejected, &ended,
		&n, &p.OutTradeNo, &p.PayType, &p.Code.Mask, &p.Code.Hash, &p.TxDTM, &p.Outcome, &sent, &confirm, &giveUp,
		&p.SysSN, &p.ChnlSN, &p.RespCD, &p.Resolved, &audit, &progress); err != nil {
		return s, p, n, err
	}
	s.ConfirmDelivery, s.EndedAt = settle != "", fromText(ended)
	s.CreatedAt, s.UpdatedAt, s.ScanBy, s.NextAt = fromText(created), fromText(updated), fromText(scanBy), fromText(next)
	p.SentAt, p.ConfirmBy, p.GiveUpBy, p.AuditAt = fromText(sent), fromText(confirm), fromText(giveUp), fromText(audit)
	if metadata != "" {
		err = json.Unmarshal([]byte(metadata), &s.Metadata)
	}
	if err == nil && n > 0 {
		err = json.Unmarshal([]byte(progress), &p.Progress)
	}
	return s, p, n, err
}

// Sale reads one sale with its payments, also from an archive; ok is false where there is none.
func (j *Journal) Sale(id string) (s sale.Sale, ok bool, err error) {
	return orPast(j, "sale", id, func(j *Journal) (sale.Sale, bool, error) { return j.saleHere(id) })
}

func (j *Journal) saleHere(id string) (s sale.Sale, ok bool, err error) {
	rows, err := j.query(selectSale, id)
	if err != nil {
		return s, false, err
	}
	var payments []sale.Payment
	all, err := collect(rows, func(r row) (sale.Sale, error) {
		s, p, n, err := readSale(r)
		if n > 0 {
			payments = append(payments, p)
		}
		return s, err
	})
	if err != nil || len(all) == 0 {
		return s, false, err
	}
	all[0].Payments = payments
	return all[0], true, nil
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
	rows, err := j.query(`SELECT id FROM sale WHERE `+where, args...)
	if err != nil {
		return nil, err
	}
	ids, err := collect(rows, func(r row) (id string, err error) {
		err = r.Scan(&id)
		return id, err
	})
	if err != nil {
		return nil, err
	}
	var all []sale.Sale
	for _, id := range ids { // one connection: the rows above are closed by now
		s, _, err := j.Sale(id)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
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

func (j *Journal) saleOfTicket(ticket, where string, args ...any) (id string, err error) { // by its index, however many are unfinished
	if ticket == "" {
		return "", nil
	}
	err = j.queryRow(`SELECT id FROM sale WHERE ticket=? AND ticket<>'' AND `+where+` ORDER BY created_at DESC LIMIT 1`, append([]any{ticket}, args...)...).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return id, err
}
