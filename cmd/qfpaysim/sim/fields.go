package sim

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const timeForm = "2006-01-02 15:04:05"

// A field rule: the longest value in bytes and its form, from QFPay's parameter tables. The hyphen in numbers is
// in none of them, but in captured ones.
type field struct {
	max  int
	form *regexp.Regexp // nil: any text
	says string
}

var fieldRules = map[string]field{
	"txamt":         {11, regexp.MustCompile(`^[1-9][0-9]*$`), "is a whole number of minor units above 0"},
	"txcurrcd":      {3, regexp.MustCompile(`^[A-Z]{3}$`), "is three capital letters"},
	"pay_type":      {6, regexp.MustCompile(`^[0-9]{6}$`), "is six digits"},
	"out_trade_no":  {128, regexp.MustCompile(`^[A-Za-z0-9_|*-]+$`), "is letters, digits, _, |, * and -"},
	"txdtm":         {20, dateForm, "is YYYY-MM-DD hh:mm:ss"},
	"auth_code":     {128, regexp.MustCompile(`^[!-~]+$`), "is printable ASCII without spaces"},
	"mchid":         {32, regexp.MustCompile(`^[A-Za-z0-9*]+$`), "is letters and digits"},
	"goods_name":    {64, nil, ""},
	"txzone":        {5, regexp.MustCompile(`^[+-][0-9]{4}$`), "is like +0800"},
	"udid":          {40, nil, ""},
	"notify_url":    {256, regexp.MustCompile(`^https?://`), "is a URL"},
	"return_url":    {512, nil, ""},
	"limit_pay":     {16, regexp.MustCompile(`^no_credit$`), "is no_credit or absent"},
	"expired_time":  {3, regexp.MustCompile(`^[0-9]+$`), "is minutes"},
	"syssn":         {128, regexp.MustCompile(`^[0-9]+$`), "is digits"},
	"respcd":        {4, regexp.MustCompile(`^[0-9]{4}$`), "is four digits"},
	"start_time":    {20, dateForm, "is YYYY-MM-DD hh:mm:ss"},
	"end_time":      {20, dateForm, "is YYYY-MM-DD hh:mm:ss"},
	"page":          {8, regexp.MustCompile(`^[1-9][0-9]*$`), "is a number from 1"},
	"page_size":     {8, regexp.MustCompile(`^([1-9][0-9]?|100)$`), "is 1 to 100"},
	"out_trade_nos": {4096, regexp.MustCompile(`^[A-Za-z0-9_|*-]+(,[A-Za-z0-9_|*-]+)*$`), "is numbers joined by commas"},
	"syssns":        {4096, regexp.MustCompile(`^[0-9]+(,[0-9]+)*$`), "is numbers joined by commas"},
	"pay_types":     {4096, regexp.MustCompile(`^[0-9]{6}(,[0-9]{6})*$`), "is pay types joined by commas"},
}

var dateForm = regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$`)

// callFields are the fields of each call; mchid is ruled by the merchant. rule names another rule than the field.
var callFields = map[string]struct {
	must, may string
	rule      map[string]string
}{
	"payment":  {must: "txamt txcurrcd pay_type out_trade_no txdtm auth_code", may: "goods_name mchid txzone udid notify_url limit_pay return_url expired_time"},
	"reversal": {must: "txamt txdtm", may: "mchid syssn out_trade_no udid txzone"},
	"close":    {must: "txamt txdtm", may: "mchid syssn out_trade_no udid txzone"},
	"refund":   {must: "syssn out_trade_no txamt txdtm", may: "mchid udid txzone"},
	"query": {may: "mchid syssn out_trade_no pay_type respcd start_time end_time txzone page page_size",
		rule: map[string]string{"out_trade_no": "out_trade_nos", "syssn": "syssns", "pay_type": "pay_types"}},
}

// faulty checks the fields of a call and returns respcd and respmsg of the first fault; "" if there is none.
// Missing, empty and unknown fields are 1104, wrong forms 1103.
func (g *Gateway) faulty(call string, form map[string]string) (respcd, respmsg string) {
	rules := callFields[call]
	must, may := strings.Fields(rules.must), strings.Fields(rules.may)
	for _, name := range must {
		if form[name] == "" {
			return "1104", name + " is missing"
		}
	}
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		value := form[name]
		if !slices.Contains(must, name) && !slices.Contains(may, name) {
			if g.cfg.Lenient {
				continue
			}
			return "1104", fmt.Sprintf("%q is not a parameter of this call", name)
		}
		if value == "" {
			if g.cfg.Lenient {
				continue
			}
			return "1104", name + " is empty; leave it out"
		}
		ruleName := name
		if rules.rule[name] != "" {
			ruleName = rules.rule[name]
		}
		rule := fieldRules[ruleName]
		switch {
		case !utf8.ValidString(value):
			return "1103", name + " is not UTF-8"
		case len(value) > rule.max:
			return "1103", fmt.Sprintf("%s is longer than %d bytes", name, rule.max)
		case rule.form != nil && !rule.form.MatchString(value):
			return "1103", name + " " + rule.says
		case rule.form == dateForm:
			if _, err := time.Parse(timeForm, value); err != nil {
				return "1103", name + " is no date"
			}
		}
	}
	switch id := form["mchid"]; {
	case g.cfg.MchID == "" && id != "":
		return "1104", "mchid must not be sent: none was issued"
	case g.cfg.MchID != "" && id == "":
		return "1104", "mchid is missing"
	case id != g.cfg.MchID:
		return "1241", "mchid is unknown"
	}
	if (call == "reversal" || call == "close") && form["syssn"] == "" && form["out_trade_no"] == "" {
		return "1104", "syssn or out_trade_no is missing"
	}
	if c := form["txcurrcd"]; c != "" && !g.money[c] {
		return "1121", c + " is not a currency of this merchant"
	}
	if form["pay_type"] == "805808" && call == "payment" && form["txcurrcd"] != "HKD" {
		return "1121", "PayMe takes HKD only"
	}
	return "", ""
}

// amount reads a txamt that passed the rules; 11 digits always fit.
func amount(form map[string]string) int64 {
	n, err := strconv.ParseInt(form["txamt"], 10, 64)
	if err != nil {
		panic("sim: txamt passed the rules: " + form["txamt"])
	}
	return n
}

// zone is a request's txzone, or the gateway's.
func (g *Gateway) zone(form map[string]string) *time.Location {
	z := form["txzone"]
	if z == "" {
		return g.cfg.Zone
	}
	t, err := time.Parse("-0700", z)
	if err != nil {
		return g.cfg.Zone
	}
	return t.Location()
}
