package payment

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// The keys that end the vectors' strings.
var vectorKeys = map[string]string{"A": "c49ce1d444994b419934286eb07b40f2", "B": "615ED178BA524459976CE40FAB78000F",
	"C": "abcd1234", "D": "Key", "E": "abcd1234", "F": "abcd1234"}

func TestSignatureVectors(t *testing.T) {
	_, vectors := examples(t)
	if len(vectors) != 10 {
		t.Fatalf("%d vectors, not 10", len(vectors))
	}
	for _, v := range vectors {
		text, ok := strings.CutSuffix(v.StringWithKey, vectorKeys[v.ID])
		if !ok {
			t.Fatalf("%s does not end with its key", v.ID)
		}
		s := &signer{key: vectorKeys[v.ID], algorithm: v.Algo}
		if got := s.sign(text); got != v.Expected {
			t.Errorf("%s %s: %s instead of %s", v.ID, v.Algo, got, v.Expected)
		}
		if v.Kind == "response" {
			for _, sign := range []string{v.Expected, strings.ToLower(v.Expected)} {
				if got := s.check(http.Header{"X-Qf-Sign": {sign}}, []byte(text), object{}); got != genuine {
					t.Errorf("%s: the answer's signature %s counts as %d", v.ID, sign, got)
				}
			}
		}
	}
}

// The vectors' fields, given in any order and with empty ones, make the vectors' strings.
func TestFormsAreSignedRawAndSentEncoded(t *testing.T) {
	f := newForm(field{"txcurrcd", "HKD"}, field{"mchid", ""}, field{"txamt", "100"}, field{"out_trade_no", "T1"}, field{"goods_name", "咖啡 & 奶茶+1"})
	s := &signer{key: "abcd1234", algorithm: "SHA256"}
	if got, want := s.sign(f.raw()), "81C95CDE2B5B6BC601999E2074578C6AA9B865D90FDDA8BF245D0AC5E3599890"; got != want {
		t.Errorf("signature %s instead of %s (F)", got, want)
	}
	want := "goods_name=%E5%92%96%E5%95%A1+%26+%E5%A5%B6%E8%8C%B6%2B1&out_trade_no=T1&txamt=100&txcurrcd=HKD"
	if got := f.encode(); got != want {
		t.Errorf("body %s instead of %s", got, want)
	}
}

func TestAnyFormArrivesAsItWasSigned(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.MapOf(rapid.StringMatching(`[a-z_]{1,12}`), rapid.String()).Draw(t, "fields")
		var fields []field
		for k, v := range m {
			fields = append(fields, field{k, v})
		}
		f := newForm(fields...)
		got, err := url.ParseQuery(f.encode())
		if err != nil {
			t.Fatal(err)
		}
		var raw []string
		for _, k := range slices.Sorted(maps.Keys(got)) {
			raw = append(raw, k+"="+got.Get(k))
		}
		if diff := cmp.Diff(f.raw(), strings.Join(raw, "&")); diff != "" {
			t.Fatal(diff)
		}
		for k, v := range m {
			if got.Get(k) != v || got.Has(k) != (v != "") {
				t.Fatalf("%q=%q arrives as %q", k, v, got[k])
			}
		}
	})
}

func TestAnswerSignatures(t *testing.T) {
	s := &signer{key: testKey}
	body := []byte(paidBody)
	md := strings.ToUpper(seal5(paidBody))
	sha := (&signer{key: testKey, algorithm: "SHA256"}).sign(paidBody)
	for name, tt := range map[string]struct {
		header []string
		want   seal
	}{
		"none":                  {nil, unsigned},
		"empty":                 {[]string{""}, unsigned},
		"MD5":                   {[]string{md}, genuine},
		"MD5, lower case":       {[]string{strings.ToLower(md)}, genuine},
		"SHA256":                {[]string{sha}, genuine},
		"another's":             {[]string{(&signer{key: "other"}).sign(paidBody)}, forged},
		"of another body":       {[]string{seal5(paidBody + " ")}, forged},
		"cut short":             {[]string{md[:30]}, forged},
		"no hex":                {[]string{"signature"}, forged},
		"one of two is another": {[]string{md, strings.Repeat("0", 32)}, forged},
	} {
		if got := s.check(http.Header{"X-Qf-Sign": tt.header}, body, object{}); got != tt.want {
			t.Errorf("%s: %d instead of %d", name, got, tt.want)
		}
	}
}
