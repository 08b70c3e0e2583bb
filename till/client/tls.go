package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"strings"

	"cpmd/payment"
)

// recognize makes sure that cpmd is at the other end of a connection, before anything is sent there: any program
// of any user may have taken the port. Only cpmd has the key of the certificate that lies beside its token, and
// what follows is encrypted with it.
func recognize(ctx context.Context, c net.Conn, addr, certFile string) (net.Conn, error) {
	// Read each time: a restart of cpmd may have written a new one.
	data, err := os.ReadFile(certFile)
	if err != nil {
		_ = c.Close()
		return nil, notSent{fmt.Errorf("the certificate of cpmd: %w", err)}
	}
	pinned := x509.NewCertPool()
	if !pinned.AppendCertsFromPEM(data) {
		_ = c.Close()
		return nil, notSent{fmt.Errorf("%s holds no certificate", certFile)}
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = addr
	}
	t := tls.Client(c, &tls.Config{RootCAs: pinned, ServerName: host, MinVersion: tls.VersionTLS13})
	if err := t.HandshakeContext(ctx); err != nil {
		_ = c.Close()
		return nil, notSent{fmt.Errorf("nothing was sent: the program that listens there is not the cpmd of %s: %w", certFile, err)}
	}
	return t, nil
}

func readToken(path string) (payment.Secret, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("token file: %w", err)
	}
	return payment.Secret(strings.TrimSpace(string(data))), nil
}
