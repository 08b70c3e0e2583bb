package journal

import (
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"cpmd/queue/sale"
)

const refundColumns = `id, sale_id, amount, currency, out_trade_no, payment, paid_syssn, give_back, asked_by, txdtm, state, why,
	created_at, updated_at, ended_at, next_at, syssn, respcd, seq, progress`

func readRefund(r row) (f sale.Refund, err error) {
	var created, updated, ended, next, progress string
	if err = r.Scan(&f.ID, &f.Sale, &f.Amount, &f.Currency, &f.OutTradeNo, &f.Payment, &f.PaidSysSN, &f.GiveBack, &f.By, &f.TxDTM,
		&f.State, &f.Why, &created, &updated, &ended, &next, &f.SysSN, &f.RespCD, &f.Seq, &progress); err != nil {
		return f, err
	}
	f.CreatedAt, f.UpdatedAt, f.EndedAt, f.NextAt = fromText(created), fromText(updated), fromText(ended), fromText(next)
	return f, json.Unmarshal([]byte(progress), &f.Progress)
}

// Refund reads one refund, also from an archive; ok is false where there is none.
func (j *Journal) Refund(id string) (f sale.Refund, ok bool, err error) {
	return orPast(j, "refund", id, func(j *Journal) (sale.Refund, bool, error) { return j.refundHere(id) })
}

func (j *Journal) refundHere(id string) (f sale.Refund, ok bool, err error) {
	f, err = readRefund(j.queryRow(`SELECT `+refundColumns+` FROM refund WHERE id=?`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return sale.Refund{}, false, nil
	}
	return f, err == nil, err
}

// RefundsOf reads the refunds of a sale, oldest first, also from an archive.
func (j *Journal) RefundsOf(id string) ([]sale.Refund, error) {
	all, _, err := orPast(j, "sale", id, func(j *Journal) ([]sale.Refund, bool, error) {
		all, err := j.refundsWhere(`sale_id=? ORDER BY created_at, rowid`, id)
		return all, len(all) > 0, err
	})
	return all, err
}

// UnfinishedRefunds reads the refunds that are being followed, oldest first.
func (j *Journal) UnfinishedRefunds() ([]sale.Refund, error) {
	return j.refundsWhere(`state IN ('refunding','unresolved') ORDER BY created_at, rowid`)
}

// RefundsEndedBetween reads the refunds that became final from one time until before another, oldest first, also from
// archives.
func (j *Journal) RefundsEndedBetween(from, to time.Time) ([]sale.Refund, error) {
	all, err := andPast(j, from, to, func(f sale.Refund) string { return f.ID }, func(j *Journal) ([]sale.Refund, error) {
		return j.refundsWhere(`ended_at>=? AND ended_at<? ORDER BY ended_at, rowid`, toText(from), toText(to))
	})
	slices.SortStableFunc(all, func(a, b sale.Refund) int { return a.EndedAt.Compare(b.EndedAt) })
	return all, err
}

func (j *Journal) refundsWhere(where string, args ...any) ([]sale.Refund, error) {
	rows, err := j.query(`SELECT `+refundColumns+` FROM refund WHERE `+where, args...)
	if err != nil {
		return nil, err
	}
	return collect(rows, readRefund)
}
