package till

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strconv"
	"time"

	"cpmd/queue/sale"
)

// HashHeader is the SHA-256 of a backup, in hex.
const HashHeader = "X-Content-Sha256"

// backup sends a copy of the journal.
func (d *httpDialect) backup(w http.ResponseWriter, r *http.Request) int {
	if d.cfg.Backup == nil {
		return d.problem(w, problem(http.StatusNotFound, sale.InvalidRequest, "There are no backups here: they are not enabled."))
	}
	file, err := d.cfg.Backup(r.Context())
	if err != nil {
		return d.problem(w, d.problemOf(err, "GET /v1/backup"))
	}
	defer file.Close()
	hash := sha256.New()
	size, err := io.Copy(hash, file)
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return d.problem(w, d.problemOf(err, "GET /v1/backup"))
	}
	w.Header().Set("Content-Type", "application/vnd.sqlite3")
	w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
	w.Header().Set(HashHeader, hex.EncodeToString(hash.Sum(nil)))
	_, _ = io.Copy(&patient{w, http.NewResponseController(w), d.limits.write}, file) // the till sees that it is cut short
	return http.StatusOK
}

// patient gives each piece of a long answer its own time to be taken.
type patient struct {
	io.Writer
	control *http.ResponseController
	limit   time.Duration
}

func (p *patient) Write(b []byte) (int, error) {
	_ = p.control.SetWriteDeadline(time.Now().Add(p.limit))
	return p.Writer.Write(b)
}
