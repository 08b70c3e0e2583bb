package sim

import "strings"

// shapes are the key sets of captured answers, by age: the current documentation ("doc"), an integrator's captures
// of 2025, the enquiry page's sample of 2023, the 2018 Japan reference, the 2017 overseas pages. An age without a
// capture of some kind answers as "doc" does.
var shapes = map[string]map[string][]string{
	"doc": keys(map[string]string{
		"payment": "pay_type sysdtm paydtm txdtm udid txcurrcd txamt resperr respmsg out_trade_no syssn respcd chnlsn",
		"query":   "respmsg resperr respcd data page page_size",
		"item": "cardtp cancel pay_type order_type clisn txdtm goods_detail out_trade_no syssn sysdtm paydtm goods_name " +
			"txcurrcd chnlsn2 udid userid txamt chnlsn respcd goods_info errmsg",
		"refunditem": "syssn out_trade_no chnlsn goods_name txcurrcd origssn pay_type order_type txdtm txamt sysdtm cancel " +
			"paydtm cardcd chnlsn2 userid respcd goods_info errmsg clisn cardtp",
		"reversal": "surcharge_fee resperr txdtm syssn sysdtm txcurrcd respmsg chnlsn2 cardcd udid txamt orig_syssn " +
			"surcharge_rate respcd chnlsn",
		"close":  "orig_syssn sysdtm cardcd txdtm resperr txcurrcd txamt respmsg syssn respcd",
		"refund": "orig_syssn sysdtm paydtm txdtm udid txcurrcd txamt resperr respmsg out_trade_no syssn respcd chnlsn cardcd",
	}),
	"2025": keys(map[string]string{
		"query": "page resperr page_size respcd data",
		"item": "syssn out_trade_no chnlsn goods_name txcurrcd origssn pay_type order_type txdtm txamt sysdtm cancel " +
			"paydtm cardcd chnlsn2 userid respcd goods_info errmsg clisn cardtp",
	}),
	"2023": keys(map[string]string{
		"query": "respcd resperr data",
		"item": "syssn out_trade_no txamt txcurrcd respcd errmsg pay_type order_type txdtm sysdtm cancel cash_fee " +
			"cash_fee_type",
	}),
	"2018": keys(map[string]string{
		"payment": "pay_type sysdtm cardcd txdtm resperr txcurrcd txamt respmsg out_trade_no syssn respcd",
		"query":   "resperr page_size respmsg respcd data page",
		"item": "pay_type sysdtm paydtm txcurrcd txdtm txamt chnlsn out_trade_no syssn cancel respcd errmsg " +
			"order_type",
	}),
	"2017": keys(map[string]string{
		"payment":    "pay_type out_trade_no cardcd txdtm resperr txamt respmsg sysdtm syssn txcurrcd respcd code_url",
		"query":      "respmsg resperr respcd data page page_size",
		"item":       "pay_type sysdtm order_type txcurrcd txdtm txamt out_trade_no syssn cancel respcd errmsg",
		"refunditem": "pay_type sysdtm order_type txcurrcd txdtm txamt out_trade_no syssn cancel respcd errmsg",
		"reversal":   "resperr sysdtm orig_syssn respmsg out_trade_no syssn respcd",
		"refund":     "resperr txdtm txamt respmsg out_trade_no syssn respcd sysdtm orig_syssn",
	}),
}

// errorKeys is the shape of an answer about a call that made no transaction.
var errorKeys = strings.Fields("orig_syssn resperr respmsg out_trade_no txcurrcd respcd")

func keys(m map[string]string) map[string][]string {
	out := make(map[string][]string, len(m))
	for k, v := range m {
		out[k] = strings.Fields(v)
	}
	return out
}

// shaped puts values into a captured key order. A kind's key without a value is "".
func (g *Gateway) shaped(kind string, v map[string]any) object {
	names := shapes[g.cfg.Shape][kind]
	if names == nil {
		names = shapes["doc"][kind]
	}
	out := make(object, 0, len(names))
	for _, k := range names {
		value, ok := v[k]
		if !ok {
			value = ""
		}
		out = append(out, pair{k, value})
	}
	return out
}

// brief is the shape of an error: only what there is to say.
func brief(v map[string]any) object {
	var out object
	for _, k := range errorKeys {
		if value, ok := v[k]; ok {
			out = append(out, pair{k, value})
		}
	}
	return out
}
