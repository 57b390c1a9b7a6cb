package dig

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// location is the rdata of LOC (RFC 1876 2).
func location(r *rdata) string {
	const equator, ground = 1 << 31, 100_000_00 // of altitude: centimetres below the reference
	if r.uint8() != 0 {
		r.bad = true
	}
	size, horizontal, vertical := metres(r), metres(r), metres(r)
	angle := func(positive, negative string, limit int64) string {
		v := int64(binary.BigEndian.Uint32(r.take(4))) - equator
		direction := positive
		if v < 0 {
			v, direction = -v, negative
		}
		if v > limit*3_600_000 {
			r.bad = true
		}
		return fmt.Sprintf("%d %d %d.%03d %s", v/3_600_000, v/60_000%60, v/1000%60, v%1000, direction)
	}
	latitude, longitude := angle("N", "S", 90), angle("E", "W", 180)
	altitude := int64(binary.BigEndian.Uint32(r.take(4))) - ground
	sign := ""
	if altitude < 0 {
		altitude, sign = -altitude, "-"
	}
	return fmt.Sprintf("%s %s %s%d.%02dm %s %s %s", latitude, longitude, sign, altitude/100, altitude%100, size, horizontal, vertical)
}

// metres is a size of LOC: a digit and a power of ten, in centimetres.
func metres(r *rdata) string {
	v := r.uint8()
	digit, power := v>>4, v&0xf
	if digit > 9 || power > 9 {
		r.bad = true
	}
	switch power {
	case 0:
		return fmt.Sprintf("0.0%dm", digit)
	case 1:
		return fmt.Sprintf("0.%d0m", digit)
	}
	return strconv.Itoa(digit) + strings.Repeat("0", power-2) + "m"
}

// parameters is the SvcParams of SVCB and HTTPS (RFC 9460 2.1).
func parameters(r *rdata) string {
	var all []string
	for last := -1; r.at < r.end; {
		key := r.uint16()
		value := &rdata{m: r.m, at: r.at + 2}
		value.end = value.at + r.uint16()
		r.take(max(value.end-value.at, 0))
		if r.bad || key <= last {
			r.bad = true
			return ""
		}
		last = key
		all = append(all, parameter(key, value))
		r.bad = r.bad || value.bad || value.at != value.end
	}
	return strings.Join(all, " ")
}

// The keys that BIND 9.18 has names for.
const (
	keyMandatory = iota
	keyALPN
	keyNoDefaultALPN
	keyPort
	keyIPv4Hint
	keyECH
	keyIPv6Hint
)

// parameter prints one SvcParam and reads all of its value.
func parameter(key int, value *rdata) string {
	switch key {
	case keyMandatory:
		return "mandatory=" + list(value, func(r *rdata) string { return keyName(r.uint16()) })
	case keyALPN:
		ids := list(value, func(r *rdata) string {
			id := quoted(r.take(r.uint8()))
			return strings.ReplaceAll(id[1:len(id)-1], ",", `\\,`)
		})
		return `alpn="` + ids + `"`
	case keyPort:
		return "port=" + uint16s(value)
	case keyIPv4Hint:
		return "ipv4hint=" + list(value, address4)
	case keyIPv6Hint:
		return "ipv6hint=" + list(value, func(r *rdata) string { return netip.AddrFrom16([16]byte(r.take(16))).String() })
	case keyECH:
		return "ech=" + base64.StdEncoding.EncodeToString(value.rest())
	}
	if value.at == value.end {
		return keyName(key)
	}
	return keyName(key) + "=" + restText(value)
}

func keyName(key int) string {
	names := [...]string{"mandatory", "alpn", "no-default-alpn", "port", "ipv4hint", "ech", "ipv6hint"}
	if key < len(names) {
		return names[key]
	}
	return "key" + strconv.Itoa(key)
}

// list is all the values that are left, with commas between them.
func list(r *rdata, each field) string {
	var all []string
	for r.at < r.end {
		all = append(all, each(r))
	}
	return strings.Join(all, ",")
}
