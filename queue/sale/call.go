package sale

import "time"

// An AlarmCall is the news of an alarm that a command or a webhook is called with.
type AlarmCall struct {
	Event string    `json:"event"` // AlarmOpened or AlarmWasSettled
	Alarm AlarmView `json:"alarm"`
}

// The events of an AlarmCall.
const (
	AlarmOpened     = "opened"
	AlarmWasSettled = "settled"
)

// CallsExpire is how long an alarm that was settled is still news to whoever could not be told.
const CallsExpire = 7 * 24 * time.Hour
