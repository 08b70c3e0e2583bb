package till

import (
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"time"

	"cpmd/queue/sale"
	"cpmd/till/page"
)

// The description of the http dialect, OpenAPI 3.1, is made from the table of operations and from the views, so it
// cannot drift from them.

// answers has an answer of each operation, for its type.
var answers = map[string]any{
	"sale.put": sale.View{}, "sale.get": sale.View{}, "sale.cancel": sale.View{}, "sale.delivered": sale.View{}, "sale.resolve": sale.View{},
	"sale.ask": sale.View{}, "sale.story": sale.Story{}, "sale.receipt": sale.Receipt{},
	"sale.list": struct {
		Sales []sale.View `json:"sales"`
	}{},
	"refund.put": sale.RefundView{}, "refund.get": sale.RefundView{}, "refund.resolve": sale.RefundView{},
	"alarms": struct {
		Alarms []sale.AlarmView `json:"alarms"`
	}{},
	"alarm.settle": sale.AlarmView{}, "totals": sale.Totals{}, "reconcile": sale.Reconciliation{},
	"lanes": struct {
		Lanes []sale.LaneView `json:"lanes"`
	}{},
	"lane.scan": struct {
		Lane     string `json:"lane"`
		Accepted bool   `json:"accepted"`
	}{},
	"diagnosis": sale.Diagnosis{}, "displays": DisplaysView{}, displayMethod: page.DisplayView{}, "day": DayView{}, "access": AccessView{},
	"page.link": LinkView{}, "reload": ReloadView{},
}

type dict = map[string]any

func textOf(most int) dict { return dict{"type": "string", "maxLength": most} }

// takes is what the fields of requests hold.
var takes = map[string]dict{
	"id":     {"type": "string", "pattern": `^[A-Za-z0-9._-]{1,64}$`},
	"sale":   {"type": "string", "pattern": `^[A-Za-z0-9._-]{1,64}$`},
	"amount": {"type": "integer", "format": "int64", "minimum": 1, "maximum": 99999999999, "description": "minor units"},
	"wait":   {"type": "string", "description": "such as 25s; at most 60s"}, "after": {"type": "integer", "format": "int64", "minimum": 0},
	"day": {"type": "string", "format": "date"}, "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
	"lane": textOf(64), "ticket": textOf(64), "operator": textOf(64), "shift": textOf(64), "auth_code": textOf(512), "code": textOf(512),
	"note": textOf(500), "settle": {"type": "string", "enum": []string{"till"}, "deprecated": true},
	"confirm_delivery": {"type": "boolean"}, "again": {"type": "boolean"}, "even_though": {"type": "boolean"},
	"all": {"type": "boolean"}, "last": {"type": "boolean"}, "seq": {"type": "integer", "format": "int64", "minimum": 1},
	"metadata": {"type": "object", "additionalProperties": dict{"type": "string"}, "maxProperties": 16},
	"state":    {"type": "string", "enum": sale.States}, "limit": {"type": "integer", "minimum": 1, "maximum": 1000},
	"lang": textOf(64), "find": textOf(64),
	"outcome": {"type": "string"}, "width": {"type": "integer", "enum": []int{sale.NarrowReceipt, sale.WideReceipt}},
}

// openAPI makes the description.
var openAPI = sync.OnceValue(func() dict {
	schemas, paths := dict{}, dict{}
	failure := dict{"description": "a problem (RFC 9457)", "content": dict{"application/problem+json": dict{"schema": schemaOf(reflect.TypeFor[Problem](), schemas)}}}
	for _, op := range operations {
		method, path, _ := strings.Cut(op.route, " ")
		good := dict{"description": "done"}
		if a, ok := answers[op.method]; ok {
			good["content"] = dict{"application/json": dict{"schema": schemaOf(reflect.TypeOf(a), schemas)}}
		} else {
			good["content"] = dict{"text/event-stream": dict{"schema": dict{"type": "string"}}}
		}
		responses := dict{"default": failure}
		for _, status := range statusesOf(op, method) {
			responses[status] = good
		}
		parameters, body, required := []dict{}, dict{}, []string{}
		for _, f := range op.fields {
			switch f.place {
			case inPath:
				parameters = append(parameters, dict{"name": f.name, "in": "path", "required": true, "schema": takes[f.name]})
			case inQuery:
				parameters = append(parameters, dict{"name": f.name, "in": "query", "required": f.need, "schema": takes[f.name]})
			default:
				body[f.name] = takes[f.name]
				if f.need {
					required = append(required, f.name)
				}
			}
		}
		o := dict{"operationId": op.method, "parameters": parameters, "responses": responses}
		if len(body) > 0 {
			o["requestBody"] = dict{"required": true, "content": dict{"application/json": dict{"schema": dict{
				"type": "object", "properties": body, "required": required, "additionalProperties": false}}}}
		}
		if paths[path] == nil {
			paths[path] = dict{}
		}
		paths[path].(dict)[strings.ToLower(method)] = o
	}
	return dict{"openapi": "3.1.0",
		"info":       dict{"title": "cpmd till API", "version": "1", "description": "Amounts are whole numbers of minor units. Ignore fields that you do not know."},
		"servers":    []dict{{"url": "http://127.0.0.1:8460"}},
		"security":   []dict{{"token": []string{}}},
		"paths":      paths,
		"components": dict{"schemas": schemas, "securitySchemes": dict{"token": dict{"type": "http", "scheme": "bearer"}}}}
})

func statusesOf(op operation, method string) []string {
	switch {
	case method == http.MethodPut:
		return []string{"200", "201"}
	case op.method == "sale.cancel" || op.method == "sale.ask" || op.method == "lane.scan":
		return []string{"202"}
	}
	return []string{"200"}
}

// schemaOf describes a view; a named one once, under its name.
func schemaOf(t reflect.Type, named dict) dict {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return dict{"type": "string", "format": "date-time"}
	case t == reflect.TypeFor[sale.State]():
		return dict{"type": "string", "enum": sale.States}
	case t == reflect.TypeFor[json.RawMessage]():
		return dict{}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return dict{"anyOf": []dict{schemaOf(t.Elem(), named), {"type": "null"}}}
	case reflect.Slice:
		return dict{"type": []string{"array", "null"}, "items": schemaOf(t.Elem(), named)}
	case reflect.Map:
		return dict{"type": "object", "additionalProperties": schemaOf(t.Elem(), named)}
	case reflect.String:
		return dict{"type": "string"}
	case reflect.Bool:
		return dict{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return dict{"type": "integer", "format": "int64"}
	case reflect.Struct:
		if t.Name() == "" {
			return structSchema(t, named)
		}
		name := strings.TrimSuffix(t.Name(), "View")
		if name == "" {
			name = "Sale"
		}
		if named[name] == nil {
			named[name] = dict{} // it may hold itself
			named[name] = structSchema(t, named)
		}
		return dict{"$ref": "#/components/schemas/" + name}
	}
	return dict{}
}

// structSchema describes a struct's fields. Those that may be left out are not required; others may come later.
func structSchema(t reflect.Type, named dict) dict {
	properties, required := dict{}, []string{}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous { // its fields stand among the others
			inner := structSchema(f.Type, named)
			maps.Copy(properties, inner["properties"].(dict))
			required = append(required, inner["required"].([]string)...)
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "-" || name == "" {
			continue
		}
		properties[name] = schemaOf(f.Type, named)
		if !strings.Contains(options, "omit") {
			required = append(required, name)
		}
	}
	return dict{"type": "object", "properties": properties, "required": required}
}

// OpenAPI returns the description, for a file.
func OpenAPI() ([]byte, error) { return json.MarshalIndent(openAPI(), "", "  ") }

func (d *httpDialect) openAPI(w http.ResponseWriter, _ *http.Request) int {
	if p, plain := w.(plainWriter); plain { // it is JSON for whoever asks
		w = p.ResponseWriter
	}
	return d.send(w, http.StatusOK, "application/json", openAPI())
}
