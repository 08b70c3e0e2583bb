package till

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// A secret is what an endpoint over TCP and its tills share: the token, which tells cpmd that a till may be here,
// and the certificate, which tells a till that it speaks to cpmd and to nobody who took the port. Endpoints with
// the same token_file share one.
type secret struct {
	token atomic.Pointer[string]
	tls   atomic.Pointer[tls.Config]
	users int // open endpoints; guarded by the server's mu
}

// sameToken compares in constant time, whatever the lengths.
func sameToken(got, want string) bool {
	g, w := sha256.Sum256([]byte(got)), sha256.Sum256([]byte(want))
	return want != "" && subtle.ConstantTimeCompare(g[:], w[:]) == 1
}

// largestSecret bounds what is read of a file, in bytes.
const largestSecret = 64 << 10

// readOwn reads a file that nobody else may have put there. It follows no link and waits for no pipe.
func readOwn(path string) (data []byte, mode fs.FileMode, err error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ELOOP) {
		return nil, 0, fmt.Errorf("%s is a link; name the file itself", path)
	}
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = f.Close() }()
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return nil, 0, err
	}
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return nil, 0, fmt.Errorf("%s is not a regular file; remove it and a new one is written", path)
	case st.Uid != 0 && int(st.Uid) != os.Geteuid():
		return nil, 0, fmt.Errorf("%s belongs to user %d, who may know it; remove it and a new one is written", path, st.Uid)
	case st.Mode&0o002 != 0:
		return nil, 0, fmt.Errorf("%s may be changed by every user; remove it and a new one is written", path)
	}
	data, err = io.ReadAll(io.LimitReader(f, largestSecret))
	return data, fs.FileMode(st.Mode & 0o777), err
}

// writeOwn leaves a whole file or the old one, whenever the power fails.
func writeOwn(path string, data []byte, mode fs.FileMode) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".token-*")
	if err != nil {
		if at := (*fs.PathError)(nil); errors.As(err, &at) {
			err = at.Err // it names a file that nobody knows, another one each time
		}
		return fmt.Errorf("%s cannot be written: %w; create its folder, and give it to the user that runs cpmd", path, err)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(data)
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
