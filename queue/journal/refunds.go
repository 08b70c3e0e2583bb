package journal

import (
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"cpmd/queue/sale"
)

const refundColumns = `id, sale_id, amount, currency, out_trade_no, paid_syssn, txdtm, state, why, created_at, updated_at, next_at, syssn, respcd, seq, progress`

func readRefund(r row) (f sale.Refund, err error) {
	var created, updated, next, progress string
	if err = r.Scan(&f.ID, &f.Sale, &f.Amount, &f.Currency, &f.OutTradeNo, &f.PaidSysSN, &f.TxDTM, &f.State, &f.Why,
		&created, &updated, &next, &f.SysSN, &f.RespCD, &f.Seq, &progress); err != nil {
		return f, err
	}
	f.CreatedAt, f.UpdatedAt, f.NextAt = fromText(created), fromText(updated), fromText(next)
	return f, json.Unmarshal([]byte(progress), &f.Progress)
}

func (j *Journal) Refund(id string) (f sale.Refund, ok bool, err error) {
	f, err = readRefund(j.db.QueryRow(`SELECT `+refundColumns+` FROM refund WHERE id=?`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return sale.Refund{}, false, nil
	}
	return f, err == nil, err
}

// refundsOf reads the refunds of a sale, oldest first.
func (j *Journal) RefundsOf(sale string) ([]sale.Refund, error) {
	return j.refundsWhere(`sale_id=? ORDER BY created_at, rowid`, sale)
}

// unfinishedRefunds reads the refunds that are being followed, oldest first.
func (j *Journal) UnfinishedRefunds() ([]sale.Refund, error) {
	return j.refundsWhere(`state='refunding' ORDER BY created_at, rowid`)
}

// refundsOfSalesBetween reads the refunds of those sales.
func (j *Journal) RefundsOfSalesBetween(from, to time.Time) ([]sale.Refund, error) {
	return j.refundsWhere(`sale_id IN (SELECT id FROM sale WHERE created_at>=? AND created_at<?)`, toText(from), toText(to))
}

func (j *Journal) refundsWhere(where string, args ...any) ([]sale.Refund, error) {
	rows, err := j.db.Query(`SELECT `+refundColumns+` FROM refund WHERE `+where, args...)
	if err != nil {
		return nil, err
	}
	return collect(rows, readRefund)
}
