package till_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"cpmd/till"
	"cpmd/till/tilltest"
)

// Every route is described, and what each answers is what its schema says, field by field.
func TestOpenAPI(t *testing.T) {
	e := till.Endpoint{Dialect: till.DialectHTTP, Listen: "unix:" + tilltest.SocketDir(t) + "/s", Name: "front", Allow: []till.Permission{till.Display}}
	c := newCaller(t, tilltest.Start(t, tilltest.NewDesk(), e).Addrs()[0])
	c.set = func(r *http.Request) { r.Header.Set("Accept", "text/plain") }
	a := c.do("GET", "/openapi.json", "")
	var doc map[string]any
	if err := json.Unmarshal(a.body, &doc); err != nil || a.status != 200 || doc["openapi"] != "3.1.0" {
		t.Fatalf("%d %v: %.200s", a.status, err, a.body)
	}
	routes, methods, fields, _ := till.Offered()
	paths := doc["paths"].(map[string]any)
	for i, route := range routes {
		verb, path, _ := strings.Cut(route, " ")
		op, _ := paths[path].(map[string]any)[strings.ToLower(verb)].(map[string]any)
		if op == nil {
			t.Errorf("%s is not described", route)
			continue
		}
		described := map[string]any{}
		for _, p := range op["parameters"].([]any) {
			described[p.(map[string]any)["name"].(string)] = p.(map[string]any)["schema"]
		}
		if schema := content(op["requestBody"], "application/json"); schema != nil {
			for name, s := range schema["properties"].(map[string]any) {
				described[name] = s
			}
		}
		for _, f := range fields[methods[i]] {
			if s, _ := described[f].(map[string]any); len(s) == 0 {
				t.Errorf("%s: the field %s has no schema", route, f)
			}
		}
		if len(described) != len(fields[methods[i]]) {
			t.Errorf("%s: described are %v, taken %v", route, described, fields[methods[i]])
		}

		k := slices.IndexFunc(tries, func(tr try) bool { return tr.method == methods[i] })
		if methods[i] == "events.subscribe" {
			continue
		}
		e := till.Endpoint{Dialect: till.DialectHTTP, Listen: "unix:" + tilltest.SocketDir(t) + "/s", Name: "front"}
		page := tilltest.TCP(t, till.DialectHTTP)
		answered := newCaller(t, tilltest.Start(t, sold(t), e, page).Addrs()[0])
		tr := tries[k]
		check := func(a answer, media string, status string) {
			t.Helper()
			schema := content(op["responses"].(map[string]any)[status], media)
			if schema == nil {
				t.Errorf("%s answers %s %s, which is not described", route, status, a.body)
				return
			}
			var v any
			if err := json.Unmarshal(a.body, &v); err != nil {
				t.Fatal(err)
			}
			for _, wrong := range fits(doc, schema, v, "answer") {
				t.Errorf("%s: %s", route, wrong)
			}
		}
		path = tr.path
		if tr.method == "sale.receipt" {
			path = "/v1/sales/old/receipt"
		}
		if a := answered.do(tr.verb, path, tr.body); a.status < 300 {
			check(a, "application/json", fmt.Sprint(a.status))
		} else {
			t.Errorf("%s: %d %s", route, a.status, a.body)
		}
		check(answered.do(tr.verb, path+"?nonsense=1", tr.body), "application/problem+json", "default")
	}
}

func content(v any, media string) map[string]any {
	m, _ := v.(map[string]any)
	m, _ = m["content"].(map[string]any)
	m, _ = m[media].(map[string]any)
	m, _ = m["schema"].(map[string]any)
	return m
}

// fits lists where a value is not what the schema says. It knows as much of JSON Schema as the description uses, and is
// stricter: a field that is not described is wrong.
func fits(doc, schema map[string]any, v any, at string) (wrong []string) {
	if ref, is := schema["$ref"].(string); is {
		name := strings.TrimPrefix(ref, "#/components/schemas/")
		s, ok := doc["components"].(map[string]any)["schemas"].(map[string]any)[name].(map[string]any)
		if !ok {
			return []string{at + ": no schema " + ref}
		}
		return fits(doc, s, v, at)
	}
	if choices, is := schema["anyOf"].([]any); is {
		for _, s := range choices {
			if wrong = fits(doc, s.(map[string]any), v, at); len(wrong) == 0 {
				return nil
			}
		}
		return wrong
	}
	if words, is := schema["enum"].([]any); is && !slices.Contains(words, v) {
		return []string{fmt.Sprintf("%s: %v is none of %v", at, v, words)}
	}
	if want := schema["type"]; want != nil {
		kind := map[bool]string{true: "null"}[v == nil]
		switch n := v.(type) {
		case string:
			kind = "string"
		case bool:
			kind = "boolean"
		case float64:
			kind = "number"
			if n == float64(int64(n)) {
				kind = "integer"
			}
		case []any:
			kind = "array"
		case map[string]any:
			kind = "object"
		}
		many, _ := want.([]any)
		if want != kind && !slices.Contains(many, any(kind)) {
			return []string{fmt.Sprintf("%s is a %s, want %v", at, kind, want)}
		}
	}
	switch v := v.(type) {
	case []any:
		for i, one := range v {
			wrong = append(wrong, fits(doc, schema["items"].(map[string]any), one, fmt.Sprint(at, ".", i))...)
		}
	case map[string]any:
		properties, _ := schema["properties"].(map[string]any)
		more, _ := schema["additionalProperties"].(map[string]any)
		for name, one := range v {
			s, ok := properties[name].(map[string]any)
			if !ok {
				s, ok = more, more != nil
			}
			if !ok && len(schema) > 0 {
				wrong = append(wrong, at+"."+name+" is not described")
				continue
			}
			wrong = append(wrong, fits(doc, s, one, at+"."+name)...)
		}
		for _, name := range asList(schema["required"]) {
			if _, there := v[name.(string)]; !there {
				wrong = append(wrong, at+"."+name.(string)+" is missing")
			}
		}
	}
	return wrong
}

func asList(v any) []any { l, _ := v.([]any); return l }
