package journal

import (
	"database/sql"
	"errors"
	"fmt"
)

// whereArchived finds the part that has a sale, refund, number or code, and the sale.
const whereArchived = `SELECT d.sale, p.n, a.name, p.at, p.bytes, p.sha256 FROM archived d JOIN archive_part p ON p.n=d.part
	JOIN archive a ON a.n=p.archive WHERE d.kind=? AND d.key=? AND d.back=0`

// unarchive notes that something is in the journal again.
const unarchive = `UPDATE archived SET back=1 WHERE kind=? AND key=?`

func scanPart(r row) (sale string, p part, err error) {
	err = r.Scan(&sale, &p.n, &p.name, &p.at, &p.bytes, &p.sha256)
	return sale, p, err
}

// archivedSale reads all of an archived sale; ok is false where it is not in the part.
func (j *Journal) archivedSale(sale string, p part) (b bundle, ok bool, err error) {
	_, bundles, err := j.readPart(p, `"`+sale+`"`) // ids are of letters that JSON writes as they are
	if err != nil {
		return b, false, err
	}
	for _, b := range bundles {
		if b.id() == sale {
			return b, true, nil
		}
	}
	return b, false, &DamagedArchive{j.beside(p.name), fmt.Errorf("sale %s is not where it was written", sale)}
}

// recall brings a sale back that is archived, so that it can change: all of it, as it was.
func (w *writer) recall(sale string) error {
	_, p, err := scanPart(w.tx.Stmt(w.prepared[whereArchived]).QueryRow("sale", sale))
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	b, ok, err := w.j.archivedSale(sale, p)
	if err != nil || !ok {
		return err
	}
	back := func(kind string, key any) error { _, err := w.exec(unarchive, kind, key); return err }
	if err := back("sale", sale); err != nil {
		return err
	}
	for _, p := range b.Payments {
		if err := errors.Join(back("number", p["out_trade_no"]), back("code", p["code_hash"])); err != nil {
			return err
		}
	}
	for _, f := range b.Refunds {
		if err := errors.Join(back("refund", f["id"]), back("number", f["out_trade_no"])); err != nil {
			return err
		}
	}
	w.recalled = true
	return b.rows(func(table string, r record) error {
		text, args, err := insertion(table, r)
		if err == nil {
			_, err = w.tx.Exec(text, args...)
		}
		return err
	})
}
