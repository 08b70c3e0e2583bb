package journal

// probe writes and takes back, to learn whether the journal takes entries.
func (j *Journal) Probe() error {
	tx, err := j.db.Begin()
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`INSERT INTO number (out_trade_no) VALUES ('probe')`); err != nil {
		_ = tx.Rollback()
		return err
	}
	if _, err := tx.Exec(`DELETE FROM number WHERE out_trade_no='probe'`); err != nil {
		_ = tx.Rollback()
		return err
	}
	if err := j.commit(tx, Write{Kind: "probe"}); err != nil {
		_ = tx.Rollback()
		return err
	}
	return nil
}
