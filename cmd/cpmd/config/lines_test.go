package config

import (
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/google/go-cmp/cmp"
)

func TestLines(t *testing.T) {
	const text = `top = 1 # a = 2
[gateway] # [x]
url = "a = 1 [ { # \" = "
'quoted key' = 'C:\'
a.b . "c d" = [ # = [
  "]", '''
x = 1
''''',
  { in = 1, out = { deep = 2 } }, [ 1,
  2 ], { "=" = """
\""" = """"" },
]

[[lane]]
name = ""
	[[lane.part]]
n = 1979-05-27T07:32:00Z
	[[lane.part]]
	[lane.part.sub]
	x = -inf
[[ lane ]]
[[lane.part]]
[ "]=[" . y ]
till = [ {}, { listen = "x" },
{ listen = "y" } ]
`
	want := map[string]int{
		"top": 1, "gateway": 2, "gateway.url": 3, `gateway."quoted key"`: 4, "gateway.a": 5, "gateway.a.b": 5, `gateway.a.b."c d"`: 5,
		`gateway.a.b."c d"[0]`: 9, `gateway.a.b."c d"[0].in`: 9, `gateway.a.b."c d"[0].out`: 9, `gateway.a.b."c d"[0].out.deep`: 9,
		`gateway.a.b."c d"[1]`: 10, `gateway.a.b."c d"[1]."="`: 10,
		"lane": 14, "lane[0]": 14, "lane[0].name": 15, "lane[0].part": 16, "lane[0].part[0]": 16, "lane[0].part[0].n": 17,
		"lane[0].part[1]": 18, "lane[0].part[1].sub": 19, "lane[0].part[1].sub.x": 20,
		"lane[1]": 21, "lane[1].part": 22, "lane[1].part[0]": 22,
		`"]=["`: 23, `"]=[".y`: 23, `"]=[".y.till`: 24, `"]=[".y.till[0]`: 24, `"]=[".y.till[1]`: 24, `"]=[".y.till[1].listen`: 24,
		`"]=[".y.till[2]`: 25, `"]=[".y.till[2].listen`: 25,
	}
	var values map[string]any
	meta, err := toml.Decode(text, &values)
	if err != nil {
		t.Fatal(err)
	}
	marks, _ := scan(text)
	if diff := cmp.Diff(want, lines(marks, meta.Keys())); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	// The same with the line ends of Windows.
	marks, _ = scan(strings.ReplaceAll(text, "\n", "\r\n"))
	if diff := cmp.Diff(want, lines(marks, meta.Keys())); diff != "" {
		t.Errorf("lines with CRLF (-want +got):\n%s", diff)
	}
}

// FuzzScan: whatever the decoder accepts, the scan finds as many keys as the decoder lists.
func FuzzScan(f *testing.F) {
	f.Add("a.'b' = [{ c = 1 }, {}]\n[[d]]\n\"e\" = '''x''''\n")
	f.Fuzz(func(t *testing.T, text string) {
		marks, depth := scan(text)
		if depth > maxDepth || len(text) > maxLine {
			return
		}
		var values map[string]any
		meta, err := toml.Decode(text, &values)
		if err != nil || strings.HasPrefix(text, "\ufeff") {
			return
		}
		n := 0
		for _, m := range marks {
			if m.kind != '{' {
				n++
			}
		}
		if n != len(meta.Keys()) {
			t.Errorf("%d keys found, the decoder has %v", n, meta.Keys())
		}
	})
}
