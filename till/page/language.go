package page

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// A Text is what a customer is shown, in one language.
type Text struct {
	Lang  string `json:"lang"`
	Title string `json:"title"`
	Hint  string `json:"hint"` // may be empty
}

// A Language is one file of texts, named by its BCP 47 tag: languages/zh-Hant.json.
type Language struct {
	Tag   string `json:"lang"`
	Name  string `json:"name"` // in the language itself
	texts map[Show][2]string
}

// Languages are those that there are, by tag. English is always there.
type Languages struct{ all []Language }

var tagForm = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}$`)

// ReadLanguages reads the languages that come with cpmd, and those in a folder, which may be "". A file there adds a
// language, or replaces one.
func ReadLanguages(folder string) (*Languages, error) {
	l := &Languages{}
	if err := l.add(files, "languages"); err != nil {
		return nil, err
	}
	if folder == "" {
		return l, nil
	}
	if err := l.add(os.DirFS(folder), "."); err != nil {
		return nil, fmt.Errorf("%s: %w", folder, err)
	}
	return l, nil
}

// BuiltIn are the languages that come with cpmd.
var BuiltIn = sync.OnceValue(func() *Languages {
	l, err := ReadLanguages("")
	if err != nil {
		panic(err) // a test reads them
	}
	return l
})

func (l *Languages) add(from fs.FS, folder string) error {
	entries, err := fs.ReadDir(from, folder)
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("there is no such folder; make it, or remove the key")
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		tag, isOne := strings.CutSuffix(e.Name(), ".json")
		if !isOne {
			continue
		}
		data, err := fs.ReadFile(from, path.Join(folder, e.Name()))
		if err != nil {
			return err
		}
		one, err := parse(tag, data)
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(e.Name()), err)
		}
		if i := slices.IndexFunc(l.all, func(o Language) bool { return strings.EqualFold(o.Tag, tag) }); i >= 0 {
			l.all[i] = one
		} else {
			l.all = append(l.all, one)
		}
	}
	return nil
}

// longestText keeps a text readable from where a customer stands.
const longestText = 120

func parse(tag string, data []byte) (Language, error) {
	one := Language{Tag: tag, texts: map[Show][2]string{}}
	if !tagForm.MatchString(tag) {
		return one, errors.New("the file's name must be a language's tag and .json, such as ja.json or pt-BR.json")
	}
	var file struct {
		Name  string            `json:"name"`
		Texts map[Show][]string `json:"texts"`
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&file); err != nil || !utf8.Valid(data) {
		return one, fmt.Errorf(`this is not understood; write {"name": "...", "texts": {"idle": ["title", "hint"], ...}} in UTF-8 (%v)`, err)
	}
	if one.Name = file.Name; one.Name == "" {
		return one, errors.New(`"name" is missing: what the language is called in itself`)
	}
	for show, text := range file.Texts {
		if !slices.Contains(Shows, show) {
			return one, fmt.Errorf("%q is nothing that is shown; there are %s", show, list(Shows))
		}
		if len(text) < 1 || len(text) > 2 || text[0] == "" && show != Idle || slices.ContainsFunc(text, func(s string) bool { return utf8.RuneCountInString(s) > longestText }) {
			return one, fmt.Errorf(`%q must be ["title"] or ["title", "hint"], each of at most %d characters`, show, longestText)
		}
		one.texts[show] = [2]string{text[0], strings.Join(text[1:], "")}
	}
	var missing []Show
	for _, show := range Shows {
		if _, ok := one.texts[show]; !ok {
			missing = append(missing, show)
		}
	}
	if len(missing) > 0 {
		return one, fmt.Errorf("these texts are missing: %s", list(missing))
	}
	return one, nil
}

func list(all []Show) string {
	words := make([]string, len(all))
	for i, s := range all {
		words[i] = string(s)
	}
	return strings.Join(words, ", ")
}

// All lists the languages there are.
func (l *Languages) All() []Language { return l.all }

// Texts are the words for something that is shown, in the languages that are asked for, such as "zh-Hant,en". One that
// is not there is taken for the next of its kin ("zh-HK" is zh-Hant), and English stands in where none is there.
func (l *Languages) Texts(show Show, asked string) []Text {
	var all []Text
	for tag := range strings.SplitSeq(asked, ",") {
		if one := l.find(strings.TrimSpace(tag)); one != nil && !slices.ContainsFunc(all, func(t Text) bool { return t.Lang == one.Tag }) {
			all = append(all, one.text(show))
		}
	}
	if len(all) == 0 {
		all = append(all, l.find("en").text(show))
	}
	return all
}

func (l Language) text(show Show) Text {
	t := l.texts[show]
	return Text{Lang: l.Tag, Title: t[0], Hint: t[1]}
}

// traditional are the regions whose Chinese is written in traditional characters (Unicode CLDR, likely subtags).
var traditional = []string{"zh-hk", "zh-mo", "zh-tw"}

func (l *Languages) find(tag string) *Language {
	by := func(tag string) *Language {
		i := slices.IndexFunc(l.all, func(o Language) bool { return strings.EqualFold(o.Tag, tag) })
		if i < 0 {
			return nil
		}
		return &l.all[i]
	}
	if tag == "" {
		return nil
	}
	for t := tag; t != ""; t = t[:max(0, strings.LastIndexByte(t, '-'))] {
		if one := by(t); one != nil {
			return one
		}
		if slices.Contains(traditional, strings.ToLower(t)) {
			return by("zh-Hant")
		}
		if strings.EqualFold(t, "zh") {
			return by("zh-Hans")
		}
	}
	return nil
}
