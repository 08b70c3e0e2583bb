package till

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
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
	data, mode, err := readOwn(path)
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
	if mode&0o007 != 0 {
		log.Warn("every user of this machine can read the token; run chmod o= on it", zap.String("token_file", path))
	}
	return token, nil
}

func writeToken(path string) (string, error) {
	raw := make([]byte, tokenBytes)
	_, _ = rand.Read(raw) // never fails: crypto/rand
	token := hex.EncodeToString(raw)
	if err := writeOwn(path, []byte(token+"\n"), tokenMode); err != nil {
		return "", fmt.Errorf("token_file: %w", err)
	}
	return token, nil
}
