//go:build e2e

package e2e_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Sextant forwards to BIND over TLS: to who proves to be dns.example, and to nobody
// else. BIND does not listen in any other way.
func TestForwardOverTLS(t *testing.T) {
	needs(t, "root", "ip", "named", "dig")
	t.Parallel()
	alone, dir := newHost(t, "tls"), t.TempDir()
	certificate(t, dir)
	write(t, filepath.Join(dir, "example.zone"), `$TTL 300
@       SOA ns nobody.invalid. 1 1800 900 604800 60
@       NS  ns
ns      A   127.0.0.1
www     A   192.0.2.1
`)
	write(t, filepath.Join(dir, "named.conf"), fmt.Sprintf(`
tls local { key-file "key.pem";  cert-file "cert.pem"; };
options {
	directory %q;  pid-file none;  lock-file none;  session-keyfile "session.key";
	listen-on port 853 tls local { 127.0.0.1; };  listen-on-v6 { none; };
	recursion no;  dnssec-validation no;  notify no;
};
controls { };
zone "example." { type primary; file "example.zone"; };
`, dir))
	listening := func(*process) error {
		_, err := alone.try(t, "dig", "@127.0.0.1", "-p", "853", "+tls", "+tries=1", "+time=1", "example", "SOA")
		return err
	}
	alone.start(t, listening, "named", "-g", "-n", "1", "-c", filepath.Join(dir, "named.conf"))

	for i, c := range []struct{ how, status, why string }{
		{"tls-name: dns.example, tls-ca: cert.pem", "NOERROR", ""},
		{"tls-ca: cert.pem", "NOERROR", ""}, // for its address
		{"tls-verify: false", "NOERROR", ""},
		{"tls-name: dns.example.net, tls-ca: cert.pem", "SERVFAIL", "certificate is valid for dns.example"},
		{"tls-name: dns.example", "SERVFAIL", "certificate signed by unknown authority"},
	} {
		port := fmt.Sprint(5301 + i)
		conf := filepath.Join(dir, port+".yaml")
		write(t, conf, fmt.Sprintf(`
listen: [127.0.0.1:%s]
control: { socket: "off" }
resolver: { ipv6: false, priming: false }
special-names: { except: [example] }
dnssec: { validate: false }
forward: [{ name: example, servers: [127.0.0.1], transport: tls, %s }]
`, port, c.how))
		ready := func(*process) error {
			_, err := alone.try(t, "dig", "@127.0.0.1", "-p", port, "+tries=1", "+time=1", "localhost")
			return err
		}
		alone.start(t, ready, sextant, "serve", "--config", conf)
		r := alone.dig(t, "@127.0.0.1", "-p", port, "www.example", "A")
		if c.status == "NOERROR" {
			expect(t, r, c.status, "www.example. A 192.0.2.1")
		} else if expect(t, r, c.status); !strings.Contains(r.text, c.why) {
			t.Errorf("%s: want %q in the Extended DNS Error, got\n%s", c.how, c.why, r.text)
		}
	}
}

// certificate makes one for dns.example that has signed itself, and its key.
func certificate(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"dns.example"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "cert.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})))
	write(t, filepath.Join(dir, "key.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
}
