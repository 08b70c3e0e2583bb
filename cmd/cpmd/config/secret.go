package config

import (
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/sys/unix"

	"cpmd/payment"
)

const maxSecret = 4 << 10 // bytes

// looksLikeKey recognises a credential that was written where its file's name belongs. QFPay's app codes and
// keys are 32 hex digits in practice.
var looksLikeKey = regexp.MustCompile(`^[0-9A-Fa-f]{32,}$`)

// secret reads a credential that nobody else may know. No error holds any of it.
func (s *source) secret(name string) (payment.Secret, error) { return s.credential(name, true) }

// public reads one that is of no use by itself: the app code goes with every request, the key signs it.
func (s *source) public(name string) (payment.Secret, error) { return s.credential(name, false) }

func (s *source) credential(name string, private bool) (payment.Secret, error) {
	if looksLikeKey.MatchString(name) {
		return "", todo("looks like the secret itself; write it into a file and give the file's name here")
	}
	if name == "" || strings.ContainsRune(name, 0) {
		return "", todo("is empty; give the name of the file that holds it")
	}
	path := name
	if !filepath.IsAbs(name) {
		path = filepath.Join(s.credentials, name)
	}
	// Without O_NONBLOCK a named pipe would stop cpmd for good.
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", todo("there is no %s; write what QFPay gave you into it, on one line, then: chmod 600 %s", path, path)
	case errors.Is(err, fs.ErrPermission):
		return "", todo("this user may not read %s; run as its owner, or let systemd hand it over (LoadCredential=)", path)
	case err != nil:
		return "", todo("%s cannot be read: %v", path, errors.Unwrap(err))
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return "", todo("%s is not a file; name the file that holds the secret", path)
	}
	if private && exposed(f, info.Mode().Perm()) {
		return "", todo("%s may be read or changed by others (mode %04o); run: chmod 600 %s", path, info.Mode().Perm(), path)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return "", todo("%s cannot be read; check the disk", path)
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	switch {
	case text == "":
		return "", todo("%s is empty; write what QFPay gave you into it", path)
	case len(text) > maxSecret:
		return "", todo("%s is larger than 4 KiB; it must hold the secret alone", path)
	case strings.ContainsAny(text, "\r\n"):
		return "", todo("%s has more than one line; it must hold the secret alone", path)
	case strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "", todo("%s holds a space or a character that no QFPay credential has; copy the secret again", path)
	}
	return payment.Secret(text), nil
}

// exposed reports whether anybody but the file's owner may use it.
//
// The group bits of a file with an access control list are not about its group: they are the list's upper
// limit. systemd hands credentials over that way, as mode 0440 with a list that names the service's user
// (https://github.com/systemd/systemd/issues/29435), so the list itself is asked.
func exposed(f *os.File, mode fs.FileMode) bool {
	if mode&0o007 != 0 {
		return true
	}
	if mode&0o070 == 0 {
		return false
	}
	list := make([]byte, 1<<10)
	n, err := unix.Fgetxattr(int(f.Fd()), "system.posix_acl_access", list)
	if err != nil || n < 4 {
		return true
	}
	return listExposes(list[4:n], uint32(os.Geteuid()))
}

// listExposes reads the entries of an access control list as the kernel stores it: tag and permissions of 16
// bits, id of 32, little-endian (linux/posix_acl_xattr.h).
func listExposes(list []byte, me uint32) bool {
	const (
		namedUser, group, namedGroup = 0x02, 0x04, 0x08
	)
	for ; len(list) >= 8; list = list[8:] {
		tag, perm := binary.LittleEndian.Uint16(list), binary.LittleEndian.Uint16(list[2:])
		id := binary.LittleEndian.Uint32(list[4:])
		if perm == 0 {
			continue
		}
		if tag == group || tag == namedGroup || tag == namedUser && id != me && id != 0 {
			return true
		}
	}
	return false
}
