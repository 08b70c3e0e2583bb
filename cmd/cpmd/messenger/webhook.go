package messenger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"cpmd/payment"
)

// webhookLimit is how long a webhook may take to answer.
const webhookLimit = 15 * time.Second

// A webhook is an address that the message is posted to.
type webhook struct {
	address payment.Secret
	client  *http.Client
}

func newWebhook(address payment.Secret) *webhook {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DisableKeepAlives = true // alarms are rare
	return &webhook{address, &http.Client{Transport: t, Timeout: webhookLimit,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// post never tells the address in an error: it may be a secret.
func (w *webhook) post(ctx context.Context, m Message) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.address.Reveal(), bytes.NewReader(text))
	if err != nil {
		return errors.New("the address is none")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "cpmd")
	req.Header.Set("Idempotency-Key", m.ID)
	resp, err := w.client.Do(req)
	if u := (*url.Error)(nil); errors.As(err, &u) {
		return fmt.Errorf("%s: %w", req.URL.Host, u.Err)
	}
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	if resp.StatusCode/100 != 2 {
		return refusal(fmt.Sprintf("%s answered HTTP %d", req.URL.Host, resp.StatusCode))
	}
	return nil
}
