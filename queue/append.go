package queue

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"time"
)

// An entry is one transaction of the journal: a change and the event that caused it.
type entry struct {
	at      time.Time
	kind    string // as Notice.Kind
	subject string
	cause   any
	sale    *Sale   // as changed
	refund  *Refund // as changed
	// told makes what tills see; nil where they see no change.
	told func(seq int64) any
}

// append writes the entry and returns its seq. On an error nothing of it is in the journal.
func (j *Journal) append(e entry) (seq int64, err error) {
	seq = j.last + 1
	var told any
	if e.told != nil {
		b, err := json.Marshal(e.told(seq))
		if err != nil {
			return 0, err
		}
		told = string(b)
	}
	why, err := json.Marshal(e.cause)
	if err != nil {
		return 0, err
	}
	tx, err := j.db.Begin()
	if err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			_ = tx.Rollback()
		}
	}()
	if e.sale != nil {
		if err = writeSale(tx, e.sale); err != nil {
			return 0, fmt.Errorf("sale %s: %w", e.sale.ID, err)
		}
	}
	if e.refund != nil {
		if err = writeRefund(tx, e.refund); err != nil {
			return 0, fmt.Errorf("refund %s: %w", e.refund.ID, err)
		}
	}
	if _, err = tx.Exec(`INSERT INTO event (seq, at, kind, subject, cause, told) VALUES (?,?,?,?,?,?)`,
		seq, toText(e.at), e.kind, e.subject, string(why), told); err != nil {
		return 0, err
	}
	cause, _ := e.cause.(cause)
	if err = j.commit(tx, Write{Seq: seq, Kind: e.kind, Subject: e.subject, Event: cause.Event}); err != nil {
		return 0, err
	}
	j.last = seq
	j.mark.set(seq)
	return seq, nil
}

// writeSale writes the payments first: the rules on a sale's state look at them.
func writeSale(tx *sql.Tx, s *Sale) error {
	res, err := tx.Exec(`INSERT INTO sale (id, lane, ticket, amount, currency, content, state, reason, cancel_asked,
		created_at, updated_at, scan_by, next_at, settle, delivery, slow, refunded, seq) VALUES (?,?,?,?,?,?,'waiting','',0,?,?,?,?,?,'',0,0,0) ON CONFLICT (id) DO NOTHING`,
		s.ID, s.Lane, s.Ticket, s.Amount, s.Currency, s.Content, toText(s.CreatedAt), toText(s.UpdatedAt), toText(s.ScanBy), toText(s.ScanBy), s.Settle)
	if err != nil {
		return err
	}
	fresh, err := res.RowsAffected()
	if err != nil {
		return err
	}
	for i := range s.Payments {
		if err := writePayment(tx, s.ID, i+1, &s.Payments[i]); err != nil {
			return err
		}
	}
	if fresh == 1 && s.State == Waiting {
		_, err = tx.Exec(`UPDATE sale SET seq=? WHERE id=?`, s.Seq, s.ID)
		return err
	}
	_, err = tx.Exec(`UPDATE sale SET state=?, reason=?, cancel_asked=?, updated_at=?, scan_by=?, next_at=?, delivery=?, slow=?, refunded=?, seq=? WHERE id=?`,
		s.State, s.Reason, s.CancelAsked, toText(s.UpdatedAt), toText(s.ScanBy), toText(s.NextAt), s.Delivery, s.Slow, s.Refunded, s.Seq, s.ID)
	return err
}

func writePayment(tx *sql.Tx, sale string, n int, p *Payment) error {
	progress, err := json.Marshal(p.Progress)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`INSERT INTO number (out_trade_no) SELECT ? WHERE NOT EXISTS (SELECT 1 FROM payment WHERE sale_id=? AND n=?)`,
		p.OutTradeNo, sale, n); err != nil {
		return err
	}
	_, err = tx.Exec(`INSERT INTO payment (sale_id, n, out_trade_no, pay_type, code_mask, code_hash, txdtm, outcome, sent_at, confirm_by,
		give_up_by, syssn, chnlsn, respcd, resolved, progress) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)
		ON CONFLICT (sale_id, n) DO UPDATE SET out_trade_no=excluded.out_trade_no, code_hash=excluded.code_hash, outcome=excluded.outcome,
		confirm_by=excluded.confirm_by, give_up_by=excluded.give_up_by, syssn=excluded.syssn, chnlsn=excluded.chnlsn,
		respcd=excluded.respcd, resolved=excluded.resolved, progress=excluded.progress`,
		sale, n, p.OutTradeNo, p.PayType, p.Code.Mask, p.Code.Hash, p.TxDTM, p.Outcome, toText(p.SentAt), toText(p.ConfirmBy),
		toText(p.GiveUpBy), p.SysSN, p.ChnlSN, p.RespCD, p.Resolved, string(progress))
	return err
}

func writeRefund(tx *sql.Tx, f *Refund) error {
	progress, err := json.Marshal(f.Progress)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`INSERT INTO number (out_trade_no) SELECT ? WHERE NOT EXISTS (SELECT 1 FROM refund WHERE id=?)`, f.OutTradeNo, f.ID); err != nil {
		return err
	}
	_, err = tx.Exec(`INSERT INTO refund (id, sale_id, amount, currency, out_trade_no, paid_syssn, txdtm, state, why, created_at, updated_at,
		next_at, syssn, respcd, seq, progress) SELECT ?,?,?,?,?,?,?,'refunding','',?,?,'','','',0,'{}' WHERE NOT EXISTS (SELECT 1 FROM refund WHERE id=?)`,
		f.ID, f.Sale, f.Amount, f.Currency, f.OutTradeNo, f.PaidSysSN, f.TxDTM, toText(f.CreatedAt), toText(f.UpdatedAt), f.ID)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`UPDATE refund SET state=?, why=?, updated_at=?, next_at=?, syssn=?, respcd=?, seq=?, progress=? WHERE id=?`,
		f.State, f.Why, toText(f.UpdatedAt), toText(f.NextAt), f.SysSN, f.RespCD, f.Seq, string(progress), f.ID)
	return err
}
