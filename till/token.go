package till

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"go.uber.org/zap"
)

const (
	tokenBytes = 32
	tokenMode  = 0o640 // the group is that of the tills
	minToken   = 16    // characters of a token that somebody else wrote
)

// readToken reads the token, and writes a new one first where there is no file.
func readToken(path string, log *zap.Logger) (string, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		log.Info("writing a new token for tills", zap.String("token_file", path))
		return writeToken(path)
	}
	if err != nil {
		return "", fmt.Errorf("token_file: %w", err)
	}
	token := strings.TrimSpace(string(data))
	if len(token) < minToken || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", fmt.Errorf("token_file: %s holds no token of %d or more plain characters; remove it and a new one is written",
			path, minToken)
	}
	if fi, err := os.Stat(path); err == nil && fi.Mode().Perm()&0o007 != 0 {
		log.Warn("every user of this machine can read the token; chmod o= it", zap.String("token_file", path))
	}
	return token, nil
}

// writeToken leaves a whole token or none, whenever the power fails.
func writeToken(path string) (token string, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("token_file: %w", err)
		}
	}()
	raw := make([]byte, tokenBytes)
	_, _ = rand.Read(raw) // never fails: crypto/rand
	token = hex.EncodeToString(raw)
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".token-*")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.WriteString(token + "\n")
	if err = errors.Join(err, f.Chmod(tokenMode), f.Sync(), f.Close()); err != nil {
		return "", err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return "", err
	}
	d, err := os.Open(dir)
	if err != nil {
		return "", err
	}
	return token, errors.Join(d.Sync(), d.Close())
}

// sameToken compares in a time that tells nothing of the token, not even its length.
func sameToken(got, want string) bool {
	g, w := sha256.Sum256([]byte(got)), sha256.Sum256([]byte(want))
	return want != "" && subtle.ConstantTimeCompare(g[:], w[:]) == 1
}
