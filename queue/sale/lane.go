package sale

import "time"

// A ScanView tells the till of a scan that paid nothing: a goods barcode, or a payment code that no sale took.
type ScanView struct {
	Lane      string    `json:"lane"`
	Text      string    `json:"text"` // masked where it looks like a payment code
	Masked    bool      `json:"masked"`
	Symbology string    `json:"symbology"` // AIM identifier such as "C0"; may be empty
	Note      string    `json:"note"`      // why no sale took it
	At        time.Time `json:"at"`
}

// A ScannerView tells how a lane's scanner stands.
type ScannerView struct {
	Lane   string    `json:"lane"`
	State  string    `json:"state"` // absent, denied, busy, open, lost
	Device string    `json:"device"`
	Advice string    `json:"advice"`
	Since  time.Time `json:"since"`
}

// A LaneView is one counter position.
type LaneView struct {
	Name    string      `json:"name"`
	PayType string      `json:"pay_type"`
	Virtual bool        `json:"virtual"`
	Scanner ScannerView `json:"scanner"`
	Sale    *View       `json:"sale"` // the one that holds the lane, or null
}
