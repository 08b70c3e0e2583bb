package journal

import "time"

// A Due is something finished that is looked at again at a time.
type Due struct {
	Refund bool // a refund, else a sale
	ID     string
	At     time.Time
}

// Audits reads when the ended payments and refunds are looked at again.
func (j *Journal) Audits() ([]Due, error) {
	rows, err := j.query(`SELECT 0, sale_id, min(audit_at) FROM payment INDEXED BY payment_to_audit WHERE audit_at<>'' GROUP BY sale_id
		UNION ALL SELECT 1, id, next_at FROM refund WHERE next_at<>'' AND state IN ('refunded','not_refunded')`)
	if err != nil {
		return nil, err
	}
	return collect(rows, func(r row) (d Due, err error) {
		var at string
		err = r.Scan(&d.Refund, &d.ID, &at)
		d.At = fromText(at)
		return d, err
	})
}
