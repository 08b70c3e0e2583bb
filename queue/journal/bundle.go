package journal

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A bundle is all that the journal has of one sale, column by column as in its tables; or an event of a lane. It is a line
// of an archive. Columns that a later schema adds get their defaults when an older bundle is read.
type bundle struct {
	Sale     record   `json:"sale,omitempty"`
	Payments []record `json:"payments,omitempty"`
	Refunds  []record `json:"refunds,omitempty"`
	Events   []record `json:"events"`
}

// A record is a row of a table.
type record map[string]any

func (r record) text(column string) string { s, _ := r[column].(string); return s }

// id is the sale's; empty for an event of a lane.
func (b *bundle) id() string { return b.Sale.text("id") }

// span returns the first and the last of the times by which a bundle is looked for.
func (b *bundle) span() (first, last string) {
	see := func(r record, columns ...string) {
		for _, c := range columns {
			if t := r.text(c); t != "" {
				if first == "" || t < first {
					first = t
				}
				last = max(last, t)
			}
		}
	}
	see(b.Sale, "created_at", "ended_at")
	for _, p := range b.Payments {
		see(p, "sent_at")
	}
	for _, f := range b.Refunds {
		see(f, "created_at", "ended_at")
	}
	if b.Sale == nil {
		see(b.Events[0], "at")
	}
	return first, last
}

// What a bundle is read with, in this order.
var selectBundle = []string{
	`SELECT * FROM sale WHERE id=?1`,
	`SELECT * FROM payment WHERE sale_id=?1 ORDER BY n`,
	`SELECT * FROM refund WHERE sale_id=?1 ORDER BY created_at, rowid`,
	`SELECT * FROM event WHERE kind='sale' AND subject=?1 OR kind='refund' AND subject IN (SELECT id FROM refund WHERE sale_id=?1) ORDER BY seq`,
}

const selectEvent = `SELECT * FROM event WHERE seq=?`

// A lookup reads rows, in a transaction or without one.
type lookup func(text string, args ...any) (*sql.Rows, error)

// read returns what the journal has of a sale; ok is false where that is nothing.
func (query lookup) bundle(sale string) (b bundle, ok bool, err error) {
	var all [4][]record
	for i, text := range selectBundle {
		if all[i], err = query.records(text, sale); err != nil {
			return b, false, err
		}
	}
	if len(all[0]) == 0 {
		return b, false, nil
	}
	return bundle{Sale: all[0][0], Payments: all[1], Refunds: all[2], Events: all[3]}, true, nil
}

func (query lookup) records(text string, args ...any) ([]record, error) {
	rows, err := query(text, args...)
	if err != nil {
		return nil, err
	}
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	return collect(rows, func(r row) (record, error) {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := r.Scan(into...); err != nil {
			return nil, err
		}
		made := record{}
		for i, c := range columns {
			made[c] = values[i]
		}
		return made, nil
	})
}

// line writes a bundle, always in the same way.
func (b *bundle) line() ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	err := e.Encode(b)
	return out.Bytes(), err
}

func readLine(line []byte) (b bundle, err error) {
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	if err := d.Decode(&b); err != nil {
		return b, err
	}
	if b.Sale == nil && len(b.Events) != 1 || b.Sale != nil && b.id() == "" {
		return b, fmt.Errorf("a line has neither a sale nor an event")
	}
	return b, nil
}

// rows are a bundle's, each after those that it refers to.
func (b *bundle) rows(do func(table string, r record) error) error {
	for _, of := range []struct {
		table   string
		records []record
	}{{"sale", []record{b.Sale}}, {"payment", b.Payments}, {"refund", b.Refunds}, {"event", b.Events}} {
		for _, r := range of.records {
			if r == nil {
				continue
			}
			if err := do(of.table, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// insertion makes the statement that writes a row back.
func insertion(table string, r record) (text string, args []any, err error) {
	columns := slices.Sorted(maps.Keys(r))
	for _, c := range columns {
		v := r[c]
		if n, ok := v.(json.Number); ok {
			if v, err = n.Int64(); err != nil {
				return "", nil, err
			}
		}
		args = append(args, v)
	}
	return `INSERT INTO ` + table + ` ("` + strings.Join(columns, `","`) + `") VALUES (?` + strings.Repeat(",?", len(columns)-1) + `)`, args, nil
}
