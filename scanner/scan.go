package scanner

import (
	"encoding/json"
	"fmt"
	"time"
)

// Text is what a scanner decoded. It may be somebody's payment code, so every printed form tells its length
// only; string(t) is the text itself.
type Text string

// String returns a form that is safe to print.
func (t Text) String() string               { return fmt.Sprintf("[%d characters]", len(t)) }
func (t Text) GoString() string             { return t.String() }
func (t Text) MarshalText() ([]byte, error) { return []byte(t.String()), nil }
func (t Text) MarshalJSON() ([]byte, error) { return json.Marshal(t.String()) }

// A Scan is one decoded barcode.
type Scan struct {
	Text      Text
	Symbology string    // AIM identifier without "]", such as "C0" or "Q1"; empty where the device does not tell
	Device    string    // the device it came from, as in Status.Device
	At        time.Time // when its last byte arrived
}
