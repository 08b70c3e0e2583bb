package journal

import (
	"database/sql"
	"encoding/json"
	"fmt"

	"cpmd/queue/sale"
)

// Append writes the entries in one transaction, each with the next seq. On an error nothing of them is in the
// journal.
func (j *Journal) Append(entries ...Entry) (err error) {
	if err := j.sound.found(); err != nil {
		return err
	}
	tx, err := j.db.Begin()
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // nothing, once it is committed
	w := writer{tx: tx, prepared: j.writes, j: j}
	seq := j.last
	for _, e := range entries {
		written, err := w.write(e, seq+1)
		if err != nil {
			return fmt.Errorf("%s %s: %w", e.Kind, e.Subject, err)
		}
		if written {
			seq++
		}
	}
	if seq == j.last {
		return nil
	}
	first := entries[0]
	if err = j.commit(tx, Write{Seq: seq, Kind: first.Kind, Subject: first.Subject, Event: first.Cause.Event}); err != nil {
		j.recent.doubt()
		return err
	}
	if w.recalled {
		j.recalls.Add(1)
	}
	j.recent.add(j.last, seq, w.told)
	j.last = seq
	j.mark.set(seq)
	return nil
}

// A writer runs prepared statements in a transaction.
type writer struct {
	tx       *sql.Tx
	prepared map[string]*sql.Stmt
	j        *Journal
	told     []sale.Notice // what tills will have been told
	recalled bool          // something came back from an archive
}

func (w *writer) exec(statement string, args ...any) (sql.Result, error) {
	return w.tx.Stmt(w.prepared[statement]).Exec(args...)
}

// write reports whether the entry was written; an alarm that stands already is not.
func (w *writer) write(e Entry, seq int64) (written bool, err error) {
	if e.Alarm != nil && e.Alarm.Seq == 0 {
		if stands, err := w.stands(e.Alarm, e.Once); err != nil || stands {
			return false, err
		}
	}
	var told any
	if e.Told != nil {
		b, err := json.Marshal(e.Told(seq))
		if err != nil {
			return false, err
		}
		told = string(b)
		w.told = append(w.told, sale.Notice{Seq: seq, Kind: e.Kind, At: fromText(toText(e.At)), Data: b})
	}
	why, err := json.Marshal(e.Cause)
	if err != nil {
		return false, err
	}
	if e.Sale != nil {
		if err := w.recall(e.Sale.ID); err != nil {
			return false, err
		}
		if err := w.sale(e.Sale); err != nil {
			return false, err
		}
	}
	if e.Refund != nil {
		if err := w.recall(e.Refund.Sale); err != nil {
			return false, err
		}
		if err := w.refund(e.Refund); err != nil {
			return false, err
		}
	}
	if _, err = w.exec(insertEvent, seq, toText(e.At), e.Kind, e.Subject, string(why), told); err != nil {
		return false, err
	}
	if e.Alarm != nil {
		err = w.alarm(e.Alarm, seq)
	}
	return err == nil, err
}

// The statements of writes. Texts are read once, when the journal is opened: that takes SQLite longer than to do
// what they say.
const (
	insertEvent = `INSERT INTO event (seq, at, kind, subject, cause, told) VALUES (?,?,?,?,?,?)`
	insertSale  = `INSERT INTO sale (id, lane, ticket, amount, currency, content, state, reason, cancel_asked, created_at,
		updated_at, scan_by, next_at, settle, delivery, slow, refunded, seq, opened_by, operator, shift, metadata)
		VALUES (?,?,?,?,?,?,'waiting','',0,?,?,?,?,?,'',0,0,0,?,?,?,?) ON CONFLICT (id) DO NOTHING`
	stampSale  = `UPDATE sale SET seq=? WHERE id=?`
	updateSale = `UPDATE sale SET state=?, reason=?, cancel_asked=?, updated_at=?, scan_by=?, next_at=?, delivery=?, slow=?,
		refunded=?, seq=?, rejected=?, ended_at=? WHERE id=?`
	takePaymentNumber = `INSERT INTO number (out_trade_no) SELECT ? WHERE NOT EXISTS (SELECT 1 FROM payment WHERE sale_id=? AND n=?)`
	putPayment        = `INSERT INTO payment (sale_id, n, out_trade_no, pay_type, code_mask, code_hash, txdtm, outcome, sent_at,
		confirm_by, give_up_by, syssn, chnlsn, respcd, resolved, audit_at, progress) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)
		ON CONFLICT (sale_id, n) DO UPDATE SET out_trade_no=excluded.out_trade_no, code_hash=excluded.code_hash, outcome=excluded.outcome,
		confirm_by=excluded.confirm_by, give_up_by=excluded.give_up_by, syssn=excluded.syssn, chnlsn=excluded.chnlsn,
		respcd=excluded.respcd, resolved=excluded.resolved, audit_at=excluded.audit_at, progress=excluded.progress`
	takeRefundNumber = `INSERT INTO number (out_trade_no) SELECT ? WHERE NOT EXISTS (SELECT 1 FROM refund WHERE id=?)`
	insertRefund     = `INSERT INTO refund (id, sale_id, amount, currency, out_trade_no, payment, paid_syssn, give_back, asked_by, txdtm,
		state, why, created_at, updated_at, ended_at, next_at, syssn, respcd, seq, progress)
		SELECT ?,?,?,?,?,?,?,?,?,?,'refunding','',?,?,'','','','',0,'{}' WHERE NOT EXISTS (SELECT 1 FROM refund WHERE id=?)`
	updateRefund = `UPDATE refund SET state=?, why=?, updated_at=?, ended_at=?, next_at=?, syssn=?, respcd=?, seq=?, progress=? WHERE id=?`
)

// prepareWrites has SQLite read the writer's statements.
func (j *Journal) prepareWrites() error {
	j.writes = map[string]*sql.Stmt{}
	for _, text := range []string{insertEvent, insertSale, stampSale, updateSale, takePaymentNumber, putPayment, takeRefundNumber,
		insertRefund, updateRefund, insertAlarm, settleAlarm, alarmStands, whereArchived, unarchive} {
		stmt, err := j.db.Prepare(text)
		if err != nil {
			return err
		}
		j.writes[text] = stmt
	}
	return nil
}

// sale writes the payments first: the rules on a sale's state look at them.
func (w *writer) sale(s *sale.Sale) error {
	metadata, err := metadataText(s.Metadata)
	if err != nil {
		return err
	}
	res, err := w.exec(insertSale, s.ID, s.Lane, s.Ticket, s.Amount, s.Currency, s.Content, toText(s.CreatedAt), toText(s.UpdatedAt),
		toText(s.ScanBy), toText(s.ScanBy), settleText(s.ConfirmDelivery), s.By, s.Operator, s.Shift, metadata)
	if err != nil {
		return err
	}
	fresh, err := res.RowsAffected()
	if err != nil {
		return err
	}
	for i := range s.Payments {
		if err := w.payment(s.ID, i+1, &s.Payments[i]); err != nil {
			return err
		}
	}
	if fresh == 1 && s.State == sale.Waiting {
		_, err = w.exec(stampSale, s.Seq, s.ID)
		return err
	}
	_, err = w.exec(updateSale, s.State, s.Reason, s.CancelAsked, toText(s.UpdatedAt), toText(s.ScanBy), toText(s.NextAt), s.Delivery,
		s.Slow, s.Refunded, s.Seq, s.Rejected, toText(s.EndedAt), s.ID)
	return err
}

func (w *writer) payment(sale string, n int, p *sale.Payment) error {
	progress, err := json.Marshal(p.Progress)
	if err != nil {
		return err
	}
	if _, err := w.exec(takePaymentNumber, p.OutTradeNo, sale, n); err != nil {
		return err
	}
	_, err = w.exec(putPayment, sale, n, p.OutTradeNo, p.PayType, p.Code.Mask, p.Code.Hash, p.TxDTM, p.Outcome, toText(p.SentAt),
		toText(p.ConfirmBy), toText(p.GiveUpBy), p.SysSN, p.ChnlSN, p.RespCD, p.Resolved,
		toText(p.AuditAt), string(progress))
	return err
}

func (w *writer) refund(f *sale.Refund) error {
	progress, err := json.Marshal(f.Progress)
	if err != nil {
		return err
	}
	if _, err := w.exec(takeRefundNumber, f.OutTradeNo, f.ID); err != nil {
		return err
	}
	if _, err = w.exec(insertRefund, f.ID, f.Sale, f.Amount, f.Currency, f.OutTradeNo, f.Payment, f.PaidSysSN, f.GiveBack, f.By, f.TxDTM, toText(f.CreatedAt),
		toText(f.UpdatedAt), f.ID); err != nil {
		return err
	}
	_, err = w.exec(updateRefund, f.State, f.Why, toText(f.UpdatedAt), toText(f.EndedAt), toText(f.NextAt), f.SysSN, f.RespCD, f.Seq, string(progress), f.ID)
	return err
}

// settleText is how the journal of the first schema says that delivery is confirmed by the till.
func settleText(confirmDelivery bool) string {
	if confirmDelivery {
		return "till"
	}
	return ""
}

func metadataText(m map[string]string) (string, error) {
	if len(m) == 0 {
		return "", nil
	}
	b, err := json.Marshal(m)
	return string(b), err
}
