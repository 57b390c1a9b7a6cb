package geopeers

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
)

const (
	npmPackage = "@ip-location-db/geo-whois-asn-country-mmdb"
	npmFile    = "package/geo-whois-asn-country.mmdb"
)

// Get is the path of a real country database: what GEO_MMDB names, or what npm
// fetches into dir, which takes a second.
func Get(ctx context.Context, dir string) (path string, err error) {
	if path = os.Getenv("GEO_MMDB"); path != "" {
		return path, nil
	}
	pack := exec.CommandContext(ctx, "npm", "pack", "--silent", npmPackage)
	pack.Dir = dir
	if out, err := pack.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm pack %s: %w\n%s", npmPackage, err, out)
	}
	archives, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(archives) != 1 {
		return "", fmt.Errorf("npm pack %s: left %d archives, not one", npmPackage, len(archives))
	}
	if out, err := exec.CommandContext(ctx, "tar", "-xzf", archives[0], "-C", dir).CombinedOutput(); err != nil {
		return "", fmt.Errorf("tar: %w\n%s", err, out)
	}
	return filepath.Join(dir, npmFile), nil
}

// Made is networks in about the number and the sizes of a real country database, for
// machines without a network. They are the same each time.
func Made() []Network {
	codes := []string{"US", "DE", "FR", "GB", "CN", "JP", "BR", "IN", "AU", "ZA", "AT", "CH", "CA", "MX", "AR", "NG", "KR", "SE", "PL", "IT"}
	r := rand.New(rand.NewPCG(7871, 4))
	var all []Network
	for at := netip.AddrFrom4([4]byte{1}); at.As4()[0] < 224; {
		bits := 12 + r.IntN(13) // no larger than where it begins is even
		p := netip.PrefixFrom(at, bits)
		for p.Masked().Addr() != at {
			bits++
			p = netip.PrefixFrom(at, bits)
		}
		near := (int(at.As4()[0]) + r.IntN(6)) % len(codes) // neighbours are mostly in the same countries
		if r.IntN(8) > 0 && at.As4()[0] != 10 && at.As4()[0] != 127 {
			all = append(all, Network{p, codes[near]})
		}
		at = last(p).Next()
	}
	for i := range 150_000 {
		var b [16]byte
		b[0], b[1] = []byte{0x24, 0x26, 0x28, 0x2a, 0x2c}[i/32%5], byte(i%32)
		b[2], b[3], b[4], b[5] = byte(i/160>>8), byte(i/160), byte(r.IntN(256)), byte(r.IntN(256))
		all = append(all, Network{netip.PrefixFrom(netip.AddrFrom16(b), 32+r.IntN(3)).Masked(), codes[(i+r.IntN(6))%len(codes)]})
	}
	return all
}
