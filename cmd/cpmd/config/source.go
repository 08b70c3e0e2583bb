package config

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

// A file beyond these is not a configuration of cpmd, and a deeply nested one costs the decoder memory without end.
const (
	maxFile  = 1 << 20 // bytes
	maxLine  = 4 << 10 // bytes
	maxDepth = 16      // brackets
)

// A source is a configuration file while it is read.
type source struct {
	name        string            // as given, for faults
	dir         string            // where relative paths start
	credentials string            // where relative credential files start
	lines       map[string]int    // by place, see lines
	old         Faults            // keys by their old names
	faults      Faults            // so far
	known       map[string]string // every key asked for, with its default as TOML or "required"
}

// open reads and parses the file; nil after a fault.
func (s *source) open(path string) *table {
	text := s.text(path)
	if text == "" && len(s.faults) > 0 {
		return nil
	}
	marks, depth := scan(text)
	if depth > maxDepth {
		s.add(0, "", "nests brackets more than %d deep; nothing in it needs that", maxDepth)
		return nil
	}
	var values map[string]any
	meta, err := toml.Decode(text, &values)
	if err != nil {
		s.syntax(err)
		return nil
	}
	s.lines = lines(marks, meta.Keys())
	return &table{source: s, values: values, line: 1}
}

// text returns the file's text, or "" after a fault.
func (s *source) text(path string) string {
	f, err := os.Open(path)
	if err != nil {
		s.unreadable(err)
		return ""
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o002 != 0 {
		s.add(0, "", "may be changed by every user of this machine (mode %04o); run: chmod o-w %s", info.Mode().Perm(), path)
		return ""
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		s.unreadable(err)
		return ""
	}
	text := string(data)
	switch {
	case len(text) > maxFile:
		s.add(0, "", "is larger than 1 MiB; is this the configuration?")
	case strings.HasPrefix(text, "\xff\xfe"), strings.HasPrefix(text, "\xfe\xff"):
		s.add(1, "", "is UTF-16 text; save it as UTF-8")
	case strings.HasPrefix(text, "\ufeff"):
		s.add(1, "", "starts with a byte order mark; save it as UTF-8 without one")
	default:
		n := 0
		for line := range strings.Lines(text) {
			n++
			if !utf8.ValidString(line) {
				s.add(n, "", "is not UTF-8 text; save the file as UTF-8")
			}
			if len(line) > maxLine {
				s.add(n, "", "is longer than %d bytes; shorten it", maxLine)
			}
		}
	}
	if len(s.faults) > 0 {
		return ""
	}
	return text
}

func (s *source) unreadable(err error) {
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.add(0, "", "does not exist; give the path of the configuration with -config")
	case errors.Is(err, fs.ErrPermission):
		s.add(0, "", "may not be read by this user; run as a user who may, or change its owner or mode")
	case strings.Contains(err.Error(), "is a directory"):
		s.add(0, "", "is a folder; name the file in it, such as %s", filepath.Join(s.name, "cpmd.toml"))
	default:
		s.add(0, "", "cannot be read: %v", err)
	}
}

// The decoder names a key that is there twice in its message alone.
var twice = regexp.MustCompile(`^Key '(.*)' (?:has|was) already`)

// syntax records the one fault of a file that is not TOML; what comes after it cannot be judged.
func (s *source) syntax(err error) {
	const first = "fix this first; the rest was not checked"
	var p toml.ParseError
	if !errors.As(err, &p) {
		s.add(0, "", "is not valid TOML: %v", err)
		return
	}
	if m := twice.FindStringSubmatch(p.Message); m != nil {
		s.add(p.Position.Line, m[1], "is defined twice; keep one of the two (%s)", first)
		return
	}
	s.add(p.Position.Line, p.LastKey, "not valid TOML: %s (%s)", strings.TrimSuffix(p.Message, "."), first)
}

// path returns an absolute path; a relative name starts at the configuration's folder.
func (s *source) path(name string) string {
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(s.dir, name)
}
