package journal

import (
	"bytes"
	"compress/gzip"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// Old months move to files beside the journal. First a month's file is written, is on disk and was read back; then its
// sales leave the journal, a few in a transaction, each only if what the journal has of it is byte for byte what was read
// from the file. So a crash at any moment leaves some sales in both, and none in neither: the journal's own count, and a
// line of a file counts only if the table archived says that its sale is there.
//
// What is still to be done is not moved (the trigger only_what_is_over_is_archived), and a sale for which there is
// something to do later is brought back first (recall.go).

// An Archiving moves one month. Its methods must not be called at the same time.
type Archiving struct {
	j        *Journal
	month    time.Time
	row      int64 // of the archive in the journal; 0: not there yet
	name     string
	sum      string
	size     int64
	parts    []part // of the file that have not been looked at yet
	part     part   // that is being moved
	bundles  []bundle
	lines    [][]byte
	finished bool
}

// BeginArchiving writes what is over of the oldest month that ended before a time to a file, or takes up a move that was
// interrupted; nil where there is nothing to do. It calls pause between small reads, and ends with its error.
func (j *Journal) BeginArchiving(before time.Time, pause func() error) (*Archiving, error) {
	if a, err := j.interrupted(); a != nil || err != nil {
		return a, err
	}
	before = monthOf(before)
	month, ok, err := j.oldMonth(before)
	if err != nil || !ok {
		return nil, err
	}
	a := &Archiving{j: j, month: month}
	w, err := j.newArchive()
	if err != nil {
		return nil, err
	}
	defer w.discard()
	if err := j.writeMonth(w, month, before, pause); err != nil {
		return nil, err
	}
	if len(w.parts)+len(w.lines) == 0 {
		return nil, nil
	}
	if a.name, a.sum, err = w.finish(month.Format("2006-01")); err != nil {
		return nil, err
	}
	a.parts = w.parts
	for _, p := range w.parts {
		a.size += p.bytes
	}
	return a, nil
}

func monthOf(t time.Time) time.Time {
	y, m, _ := t.UTC().Date()
	return time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)
}

// over is what a sale must be to be moved; ?1 is the time before which all of it has ended.
const over = `s.state IN ('paid','not_paid') AND s.next_at='' AND s.delivery NOT IN ('awaited','returning')
	AND NOT EXISTS (SELECT 1 FROM payment WHERE sale_id=s.id AND (outcome='' OR audit_at<>''))
	AND NOT EXISTS (SELECT 1 FROM refund WHERE sale_id=s.id AND (ended_at='' OR ended_at>=?1 OR next_at<>''))
	AND NOT EXISTS (SELECT 1 FROM alarm a WHERE a.settled_at='' AND (a.subject=s.id
		OR EXISTS (SELECT 1 FROM payment WHERE sale_id=s.id AND out_trade_no=a.payment)
		OR EXISTS (SELECT 1 FROM refund WHERE sale_id=s.id AND (id=a.subject OR out_trade_no=a.payment))))
	AND NOT EXISTS (SELECT 1 FROM event WHERE subject=s.id AND seq=(SELECT max(seq) FROM event))
	AND NOT EXISTS (SELECT 1 FROM refund f JOIN event e ON e.subject=f.id WHERE f.sale_id=s.id AND e.seq=(SELECT max(seq) FROM event))`

// oldMonth finds the oldest month before a time that has something to move.
func (j *Journal) oldMonth(before time.Time) (month time.Time, ok bool, err error) {
	for _, text := range []string{
		`SELECT s.ended_at FROM sale s WHERE s.ended_at<>'' AND s.ended_at<?1 AND ` + over + ` ORDER BY s.ended_at LIMIT 1`,
		`SELECT at FROM event WHERE kind IN ('scan','scanner') AND at<?1 AND seq<(SELECT max(seq) FROM event) ORDER BY at LIMIT 1`,
	} {
		var at string
		err := j.queryRow(text, toText(before)).Scan(&at)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return month, false, err
		}
		if m := monthOf(fromText(at)); !ok || m.Before(month) {
			month, ok = m, true
		}
	}
	return month, ok, nil
}

func (j *Journal) writeMonth(w *archiveWriter, month, before time.Time, pause func() error) error {
	from, to := toText(month), toText(month.AddDate(0, 1, 0))
	at, id := from, ""
	text := func(r row) (s [2]string, err error) { return s, r.Scan(&s[0], &s[1]) }
	for {
		rows, err := j.query(`SELECT s.ended_at, s.id FROM sale s WHERE s.ended_at>=?2 AND (s.ended_at, s.id)>(?2, ?3) AND s.ended_at<?4 AND `+over+
			` ORDER BY s.ended_at, s.id LIMIT 16`, toText(before), at, id, to)
		if err != nil {
			return err
		}
		some, err := collect(rows, text)
		if err != nil {
			return err
		}
		for _, s := range some {
			at, id = s[0], s[1]
			b, ok, err := lookup(j.query).bundle(id)
			if err != nil {
				return err
			}
			if ok {
				if err := w.add(&b); err != nil {
					return err
				}
			}
		}
		if err := pause(); err != nil {
			return err
		}
		if len(some) == 0 {
			break
		}
	}
	at, seq := from, int64(0)
	for {
		events, err := lookup(j.query).records(`SELECT * FROM event WHERE kind IN ('scan','scanner') AND at>=?1 AND (at, seq)>(?1, ?2) AND at<?3
			AND seq<(SELECT max(seq) FROM event) ORDER BY at, seq LIMIT 64`, at, seq, to)
		if err != nil {
			return err
		}
		for _, e := range events {
			at, seq = e.text("at"), e["seq"].(int64)
			if err := w.add(&bundle{Events: []record{e}}); err != nil {
				return err
			}
		}
		if err := pause(); err != nil {
			return err
		}
		if len(events) == 0 {
			return nil
		}
	}
}

// interrupted takes up an archive whose sales have not all left the journal; nil where there is none.
func (j *Journal) interrupted() (*Archiving, error) {
	a := &Archiving{j: j}
	var from string
	err := j.queryRow(`SELECT n, name, from_at, bytes, sha256 FROM archive WHERE done=0 ORDER BY n LIMIT 1`).Scan(&a.row, &a.name, &from, &a.size, &a.sum)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	a.month = fromText(from)
	if a.parts, err = partsOf(j.beside(a.name), a.sum); err != nil {
		return nil, &DamagedArchive{j.beside(a.name), err}
	}
	return a, nil
}

// partsOf finds the parts of a file whose places are not at hand.
func partsOf(path, sum string) (parts []part, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if digest(text) != sum {
		return nil, errors.New("it has changed")
	}
	for rest := bytes.NewReader(text); rest.Len() > 0; {
		at := len(text) - rest.Len()
		z, err := gzip.NewReader(rest) // which reads no further than the member's end: rest is an io.ByteReader
		if err != nil {
			return nil, err
		}
		z.Multistream(false)
		p := part{at: int64(at)}
		lines, err := io.ReadAll(z)
		if err != nil {
			return nil, err
		}
		for line := range bytes.Lines(lines) {
			b, err := readLine(line)
			if err != nil {
				return nil, err
			}
			first, last := b.span()
			if p.first == "" || first < p.first {
				p.first = first
			}
			p.last = max(p.last, last)
		}
		end := len(text) - rest.Len()
		p.bytes, p.sha256 = int64(end-at), digest(text[at:end])
		parts = append(parts, p)
	}
	return parts, nil
}

// Name is the archive's file, without its folder.
func (a *Archiving) Name() string { return a.name }

// Load reads the next sales to move from the file; more is false where none are left.
func (a *Archiving) Load() (more bool, err error) {
	for len(a.bundles) == 0 && len(a.parts) > 0 {
		a.part, a.parts = a.parts[0], a.parts[1:]
		a.part.name = a.name
		if a.lines, a.bundles, err = a.j.readPart(a.part, ""); err != nil {
			return false, err
		}
	}
	return !a.finished, nil
}

// Move moves some of the loaded sales within about the time given, in one transaction, and ends the archive when there
// are no more. It is the writer's, as Append. What is in use is left where it is.
func (a *Archiving) Move(within time.Duration, inUse func(sale string) bool) error {
	began := time.Now()
	for _, text := range append(selectBundle, selectEvent) { // who has the only connection must not wait for it
		if _, err := a.j.prepared(text); err != nil {
			return err
		}
	}
	tx, err := a.j.db.Begin()
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // nothing, once it is committed
	m := mover{tx: tx, j: a.j, archive: a, row: a.row, part: a.part.n}
	if a.row == 0 {
		if err := m.begin(); err != nil {
			return err
		}
	}
	moved := 0
	for moved < len(a.bundles) && (moved == 0 || time.Since(began) < within) {
		if err := m.move(&a.bundles[moved], a.lines[moved], inUse); err != nil {
			return fmt.Errorf("moving sale %q: %w", a.bundles[moved].id(), err)
		}
		moved++
	}
	last := moved == len(a.bundles) && len(a.parts) == 0
	if last {
		if _, err := tx.Exec(`UPDATE archive SET done=1 WHERE n=?`, m.row); err != nil {
			return err
		}
	}
	if err := a.j.commit(tx, Write{Kind: "archive", Subject: a.name}); err != nil {
		return err
	}
	a.row, a.part.n = m.row, m.part
	a.bundles, a.lines, a.finished = a.bundles[moved:], a.lines[moved:], last
	return nil
}

// A mover is a transaction that moves.
type mover struct {
	tx        *sql.Tx
	j         *Journal
	archive   *Archiving
	row, part int64
}

// begin enters the archive.
func (m *mover) begin() error {
	a := m.archive
	return m.tx.QueryRow(`INSERT INTO archive (name, from_at, to_at, bytes, sha256, done) VALUES (?,?,?,?,?,0) RETURNING n`,
		a.name, toText(a.month), toText(a.month.AddDate(0, 1, 0)), a.size, a.sum).Scan(&m.row)
}

func (m *mover) query(text string, args ...any) (*sql.Rows, error) {
	stmt, err := m.j.prepared(text)
	if err != nil {
		return nil, err
	}
	return m.tx.Stmt(stmt).Query(args...)
}

func (m *mover) move(b *bundle, line []byte, inUse func(string) bool) error {
	if b.Sale == nil {
		return m.moveEvent(b, line)
	}
	id := b.id()
	is, ok, err := lookup(m.query).bundle(id)
	if err != nil || !ok || inUse(id) {
		return err
	}
	if same, err := is.line(); err != nil || !bytes.Equal(same, line) {
		return err // it has changed since: a later file will have it
	}
	if err := m.enterPart(); err != nil {
		return err
	}
	if err := m.enter("sale", id, id); err != nil {
		return m.leave(err)
	}
	for _, p := range b.Payments {
		if err := m.enter("number", p.text("out_trade_no"), id); err != nil {
			return err
		}
		if p.text("outcome") != "not_sent" { // as the index a_code_pays_once
			if err := m.enter("code", p.text("code_hash"), id); err != nil {
				return err
			}
		}
	}
	for _, f := range b.Refunds {
		if err := errors.Join(m.enter("refund", f.text("id"), id), m.enter("number", f.text("out_trade_no"), id)); err != nil {
			return err
		}
	}
	for _, e := range b.Events {
		if err := m.do(`DELETE FROM event WHERE seq=?`, e["seq"]); err != nil {
			return err
		}
	}
	return errors.Join(m.do(`DELETE FROM refund WHERE sale_id=?`, id), m.do(`DELETE FROM payment WHERE sale_id=?`, id), m.do(`DELETE FROM sale WHERE id=?`, id))
}

// leave lets a sale stay that is not over any more.
func (m *mover) leave(err error) error {
	if IsConstraint(err) && strings.Contains(err.Error(), "only what is over") {
		return nil
	}
	return err
}

func (m *mover) moveEvent(b *bundle, line []byte) error {
	seq := b.Events[0]["seq"]
	is, err := lookup(m.query).records(selectEvent, seq)
	if err != nil || len(is) == 0 {
		return err
	}
	if same, err := (&bundle{Events: is}).line(); err != nil || !bytes.Equal(same, line) {
		return err
	}
	return errors.Join(m.enterPart(), m.do(`DELETE FROM event WHERE seq=?`, seq))
}

// enterPart enters the part that is being moved, with its first sale.
func (m *mover) enterPart() error {
	if m.part > 0 {
		return nil
	}
	p := m.archive.part
	err := m.tx.QueryRow(`INSERT INTO archive_part (archive, at, bytes, sha256, first, last) VALUES (?,?,?,?,?,?)
		ON CONFLICT (archive, at) DO NOTHING RETURNING n`, m.row, p.at, p.bytes, p.sha256, p.first, p.last).Scan(&m.part)
	if errors.Is(err, sql.ErrNoRows) { // by a move that was interrupted
		err = m.tx.QueryRow(`SELECT n FROM archive_part WHERE archive=? AND at=?`, m.row, p.at).Scan(&m.part)
	}
	return err
}

func (m *mover) enter(kind, key, sale string) error {
	return m.do(`INSERT INTO archived (kind, key, sale, part, back) VALUES (?,?,?,?,0)
		ON CONFLICT (kind, key) DO UPDATE SET part=excluded.part, back=0 WHERE back=1`, kind, key, sale, m.part)
}

func (m *mover) do(text string, args ...any) error {
	_, err := m.tx.Exec(text, args...)
	return err
}

// Shrink gives some free pages of the journal back to the disk, but for those to keep, and reports whether there are more.
// It is the writer's.
func (j *Journal) Shrink(pages, keep int) (more bool, err error) {
	var free, mode int
	if err := errors.Join(j.queryRow(`PRAGMA auto_vacuum`).Scan(&mode), j.queryRow(`PRAGMA freelist_count`).Scan(&free)); err != nil {
		return false, err
	}
	if mode != 2 || free <= keep {
		return false, nil
	}
	_, err = j.db.Exec(fmt.Sprintf(`PRAGMA incremental_vacuum(%d)`, min(pages, free-keep)))
	return err == nil && free-pages > keep, err
}
