// Package page has what people look at: the operator's page and the customer display. They are plain HTML, CSS and
// JavaScript in the folder static, built into the program and served as they are; package till serves them and their
// data.
//
// Start reading at [Showing] for what a customer is shown, and at static/operator.js for the operator's page.
package page

import (
	"embed"
	"mime"
	"net/http"
	"path"
)

//go:embed static languages
var files embed.FS

// The two pages; each needs a permission. The files that they load are the same for everybody.
const (
	Operator = "operator.html"
	Customer = "display.html"
)

// policy keeps the pages from loading anything from elsewhere, from being framed and from running text as a script
// (CSP Level 3; Trusted Types).
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// File returns a file of the pages and its media type.
func File(name string) (body []byte, mediaType string, ok bool) {
	body, err := files.ReadFile("static/" + name)
	if err != nil {
		return nil, "", false
	}
	types := map[string]string{".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
		".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
	ext := path.Ext(name)
	if t := types[ext]; t != "" { // whatever this machine's own list says
		return body, t, true
	}
	return body, mime.TypeByExtension(ext), true
}

// Harden sets the headers that keep other web pages away from a page.
func Harden(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=(), hid=()")
}
