package config

import (
	"strings"
	"testing"
)

// Errors go to logs and into bug reports: none of them has a secret of the file, however
// it is written, and whatever is wrong.
func TestErrorsHaveNoSecrets(t *testing.T) {
	t.Parallel()
	const base64, hexadecimal = "c2VjcmV0c2VjcmV0", "0123456789abcdef0123456789abcdef"
	for _, text := range []string{
		"keys:\n  - { name: k, secret: c2VjcmV0c2VjcmV0, algoritm: hmac-md5 }\n",
		"keys:\n  - { secret: \"c2VjcmV0c2VjcmV0\", name: .. }\n",
		"keys:\n  - name: k\n    secret: c2VjcmV0c2VjcmV0!\n",
		"keys:\n  - name: k\n    secret:\n      c2VjcmV0c2VjcmV0!\n",
		"keys:\n  - name: k\n    secret: [c2VjcmV0c2VjcmV0]\n",
		"keys:\n  - name: k\n    secret: !!binary c2VjcmV0c2VjcmV0\n",
		"keys:\n  - name: k\n    secert: c2VjcmV0c2VjcmV0\n",
		"keys:\n  - name: k\n    Secret : 'c2VjcmV0c2VjcmV0'\n",
		"keys: [{ 'secret': 'c2VjcmV0c2VjcmV0', \"name\": 7 }]\n",
		"{\"keys\":[{\"name\":7,\"secret\":\"c2VjcmV0c2VjcmV0\"}]}\n",
		"keys: [{ name: k, secret: c2VjcmV0c2VjcmV0, secret: c2VjcmV0c2VjcmV0 }]\n",
		"keys: [{ name: k, secret: \"c2VjcmV0c2VjcmV0 }]\n", // not YAML
		"keys:\n\t- { name: k, secret: c2VjcmV0c2VjcmV0 }\n",
		"cookies: { secrets: [0123456789abcdef0123456789abcdef, 0123456789abcdef0123456789abcdef], answre: true }\n",
		"cookies:\n  secrets: 0123456789abcdef0123456789abcdef\n",
		"cookies:\n  secrets:\n    - 0123456789abcdef0123456789abcdef\n    - 0123456789abcdef0123456789abcdef\n",
		"cookies:\n  secrets:\n    - \"0123456789abcdef0123456789abcdef00\"\n",
		"cookies: { secrets: [1, \"0123456789abcdef0123456789abcdef\" }\n",
	} {
		_, err := Parse("sextant.yaml", []byte(text))
		if err == nil {
			t.Errorf("nothing is wrong in\n%s", text)
			continue
		}
		if said := err.Error(); strings.Contains(said, base64) || strings.Contains(said, hexadecimal) {
			t.Errorf("of\n%sit says\n%s", text, said)
		}
	}
}

// A secret that the parser takes for a number is not repeated, either.
func TestNumberInThePlaceOfASecret(t *testing.T) {
	t.Parallel()
	_, err := Parse("sextant.yaml", []byte("keys: [{ name: k, secret: 271828182845 }]\n"))
	if err == nil || strings.Contains(err.Error(), "2718") {
		t.Error(err)
	}
}

// What is no secret is shown as it stands.
func TestTheRestOfALineIsShown(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		`  - { name: k, secret: "abc+/=", algorithm: x } # 1`: `  - { name: k, secret: "******", algorithm: x } # 1`,
		`  secrets: ["ab", "cd"]`:                             `  secrets: ["**", "**"]`,
		`  secret-file: k.key`:                                `  secret-file: k.key`,
		`  listen: [127.0.0.1:53]`:                            `  listen: [127.0.0.1:53]`,
	} {
		if got := concealed([]string{line}, 0); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	for i, want := range []string{"keys:", "  secret:", "    ***", "name: b"} {
		if got := concealed([]string{"keys:", "  secret:", "    abc", "name: b"}, i); got != want {
			t.Errorf("%d: got %s, want %s", i, got, want)
		}
	}
}
