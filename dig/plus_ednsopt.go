package dig

import (
	"encoding/hex"
	"strings"

	"github.com/miekg/dns"
)

// optionCode reads an EDNS option's name or number.
func optionCode(text string) (uint16, error) {
	names := map[string]uint16{
		"LLQ": dns.EDNS0LLQ, "UL": dns.EDNS0UL, "UPDATE-LEASE": dns.EDNS0UL, "NSID": dns.EDNS0NSID,
		"DAU": dns.EDNS0DAU, "DHU": dns.EDNS0DHU, "N3U": dns.EDNS0N3U, "ECS": dns.EDNS0SUBNET,
		"EXPIRE": dns.EDNS0EXPIRE, "COOKIE": dns.EDNS0COOKIE, "KEEPALIVE": dns.EDNS0TCPKEEPALIVE,
		"PADDING": dns.EDNS0PADDING, "PAD": dns.EDNS0PADDING, "CHAIN": optionChain, "KEY-TAG": optionKeyTag,
		"EDE": dns.EDNS0EDE, "CLIENT-TAG": optionClientTag, "SERVER-TAG": optionServerTag,
		"REPORT-CHANNEL": optionReportChannel, "DEVICEID": optionDeviceID,
	}
	if code, ok := names[strings.ToUpper(text)]; ok {
		return code, nil
	}
	if text == "" {
		return 0, fatal(exitInternal, "ednsopt no code point specified")
	}
	code, err := number("ednsopt", text, 0xffff)
	if err != nil {
		return 0, &failure{exitUsage, "dig: bad edns code point: " + text, err.said}
	}
	return uint16(code), nil
}

func addOption(_ *parser, q *query, on bool, value string) error {
	if !on {
		q.edns.options = nil
		return nil
	}
	codeText, dataText, _ := strings.Cut(value, ":")
	code, err := optionCode(codeText)
	if err != nil {
		return err
	}
	data, err := hex.DecodeString(dataText)
	if err != nil {
		return fatal(exitUsage, "invalid ednsopt '%s', expected its data in hexadecimal", value)
	}
	q.edns.use()
	q.edns.options = append(q.edns.options, option{code, data})
	return nil
}
