package bench

import (
	"fmt"
	"os"
	"testing"
)

// sizes are those of the programs without symbols, as the package has them.
func sizes(t *testing.T) []row {
	mb := func(path string) string {
		st, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%.1f MB", float64(st.Size())/1e6)
	}
	return []row{{"`cpmctl`, without symbols (`-trimpath -ldflags '-s -w'`)", "", "≤ 8 MB", mb(cpmctl)}, {"`cpmd`, the same", "", "", mb(cpmd)}}
}
