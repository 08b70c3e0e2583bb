package scanner

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"cpmd/scanner/usb"
)

// DefaultStateDir is where it is noted which HID devices are held: scanners in $STATE_DIRECTORY, which systemd
// sets, or in /var/lib/cpmd where that can be written to, or else in the user's cache.
func DefaultStateDir() string {
	dir, _, _ := strings.Cut(os.Getenv("STATE_DIRECTORY"), ":")
	if dir == "" {
		if dir = "/var/lib/cpmd"; os.Geteuid() != 0 {
			if cache, err := os.UserCacheDir(); err == nil {
				dir = filepath.Join(cache, "cpmd")
			}
		}
	}
	return filepath.Join(dir, "scanners")
}

// holdings are notes, one file for each interface that is held. If the daemon is killed they tell what has to be
// given back to the kernel.
type holdings struct {
	dir string

	mu   sync.Mutex
	last int // counts notes: a handle may still be closing when the device is back and noted again
}

// note writes down that an interface is about to be opened; release forgets it. Without a place to write, the
// scanner works all the same.
func (h *holdings) note(dev usb.Device, i usb.Interface) (release func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	name := filepath.Join(h.dir, i.Path)
	os.MkdirAll(h.dir, 0o755)
	os.WriteFile(name, []byte(identity(dev)), 0o644)
	h.last++
	mine := h.last
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.last == mine {
			os.Remove(name)
		}
	}
}

// identity tells one device at a port from another.
func identity(dev usb.Device) string {
	return fmt.Sprintf("%s:%s %s\n", dev.Vendor, dev.Product, dev.Serial)
}

var released sync.Map // by folder: *sync.Once

// releaseLeft gives back, once in this process and before it opens anything, what an earlier one left.
func releaseLeft(root usb.Root, dir string) {
	once, _ := released.LoadOrStore(dir, new(sync.Once))
	once.(*sync.Once).Do(func() { Release(root, dir) })
}

// Release gives back to the kernel what a killed daemon left without a driver, according to the notes in dir
// ("": DefaultStateDir). It returns the interfaces given back. One that some program holds is left alone.
func Release(root usb.Root, dir string) (given []string, errs []error) {
	if dir == "" {
		dir = DefaultStateDir()
	}
	notes, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		return nil, []error{err}
	}
	for _, note := range notes {
		name := filepath.Join(dir, note.Name())
		port, _, _ := strings.Cut(note.Name(), ":")
		who, err := os.ReadFile(name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		forget := true
		for _, dev := range root.Devices(func(d usb.Device) bool { return d.Port == port }) {
			for _, i := range dev.Interfaces {
				switch {
				case i.Path != note.Name() || identity(dev) != string(who):
				case i.Held():
					forget = false
				case i.Left():
					if err := usb.Reconnect(dev, i); err != nil {
						errs = append(errs, err)
						forget = false
						continue
					}
					given = append(given, i.Path)
				}
			}
		}
		if forget {
			os.Remove(name)
		}
	}
	return given, errs
}
