package sale

import "time"

// DayBounds returns the first moment of a day and of the next.
func DayBounds(day string, loc *time.Location) (from, to time.Time, err error) {
	from, err = time.ParseInLocation(time.DateOnly, day, loc)
	if err != nil {
		return from, to, &Error{Code: InvalidRequest, Detail: "day must be written as YYYY-MM-DD, such as 2026-11-22"}
	}
	return from, from.AddDate(0, 0, 1), nil
}
