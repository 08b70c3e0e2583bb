package till

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"time"
)

const (
	// CertSuffix makes the name of the certificate's file from that of the token.
	CertSuffix = ".crt"
	keySuffix  = ".key"

	certMode = 0o644 // it is no secret
	keyMode  = 0o600
)

// readCertificate reads the certificate beside a token_file and its key. Where they are missing or of no use it
// makes new ones: tills read the certificate again when it no longer fits.
func readCertificate(tokenFile string, host netip.Addr) (*tls.Config, error) {
	pair, err := loadPair(tokenFile, host)
	if err != nil {
		certPEM, keyPEM, err := newPair(host)
		if err == nil {
			err = writeOwn(tokenFile+keySuffix, keyPEM, keyMode)
		}
		if err == nil {
			err = writeOwn(tokenFile+CertSuffix, certPEM, certMode)
		}
		if err == nil {
			pair, err = tls.X509KeyPair(certPEM, keyPEM)
		}
		if err != nil {
			return nil, fmt.Errorf("the certificate beside token_file: %w", err)
		}
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}, nil
}

func loadPair(tokenFile string, host netip.Addr) (pair tls.Certificate, err error) {
	keyPEM, mode, err := readOwn(tokenFile + keySuffix)
	if err != nil {
		return pair, err
	}
	if mode&^keyMode != 0 {
		return pair, fmt.Errorf("%s%s may be read by others", tokenFile, keySuffix)
	}
	certPEM, _, err := readOwn(tokenFile + CertSuffix)
	if err != nil {
		return pair, err
	}
	if pair, err = tls.X509KeyPair(certPEM, keyPEM); err != nil {
		return pair, err
	}
	return pair, pair.Leaf.VerifyHostname(host.String())
}

// newPair makes a certificate that is its own authority, for this machine's loopback alone. It does not expire:
// a counter's clock may be years off, and whoever can read the file may replace it at any time.
func newPair(host netip.Addr) (certPEM, keyPEM []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, nil, err
	}
	c := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: "cpmd on this machine"},
		NotBefore:             time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:              time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
		IsCA:                  true,
		MaxPathLenZero:        true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:              []string{"localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback, host.AsSlice()},
	}
	cert, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	return pemOf("CERTIFICATE", cert), pemOf("PRIVATE KEY", der), nil
}

func pemOf(kind string, der []byte) []byte {
	var b bytes.Buffer
	_ = pem.Encode(&b, &pem.Block{Type: kind, Bytes: der}) // never fails: no headers, and a buffer
	return b.Bytes()
}
