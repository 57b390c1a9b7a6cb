package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
	"github.com/spf13/cobra"

	"github.com/sextant-dns/sextant/probe"
)

// asking is the flags of commands that ask one server, and @server among their arguments.
type asking struct {
	port    uint16
	rate    int
	timeout time.Duration
}

func (a *asking) flags(cmd *cobra.Command) {
	cmd.Flags().Uint16VarP(&a.port, "port", "p", 53, "port of the server, where @server names none")
	cmd.Flags().IntVar(&a.rate, "rate", 20, "queries in a second at most")
	cmd.Flags().DurationVar(&a.timeout, "timeout", 2*time.Second, "how long to wait for a reply; over UDP each query is tried twice")
}

// client takes @server out of the arguments. Without it, the first server of
// /etc/resolv.conf is asked, if resolv says that one may be.
func (a *asking) client(ctx context.Context, args []string, resolv bool, most int) (c *probe.Client, rest []string, err error) {
	server := ""
	for _, arg := range args {
		name, is := strings.CutPrefix(arg, "@")
		switch {
		case !is:
			rest = append(rest, arg)
		case server != "":
			return nil, nil, fmt.Errorf("one server at a time: @%s and @%s", server, name)
		default:
			server = name
		}
	}
	if a.rate <= 0 || a.timeout <= 0 {
		return nil, nil, errors.New("--rate and --timeout must be above 0")
	}
	if server == "" {
		if !resolv {
			return nil, nil, errors.New("which server? Give @ADDRESS, @ADDRESS:PORT or @NAME")
		}
		c, err := dns.ClientConfigFromFile("/etc/resolv.conf")
		if err != nil || len(c.Servers) == 0 {
			return nil, nil, errors.New("which server? /etc/resolv.conf names none; give @ADDRESS")
		}
		server = c.Servers[0]
	}
	at, err := a.address(ctx, server)
	if err != nil {
		return nil, nil, err
	}
	return probe.New(at, probe.Options{Rate: a.rate, Timeout: a.timeout, Most: most}), rest, nil
}

// address is that of a server: ADDRESS, ADDRESS:PORT, [ADDRESS]:PORT, NAME or NAME:PORT.
func (a *asking) address(ctx context.Context, server string) (netip.AddrPort, error) {
	if at, err := netip.ParseAddrPort(server); err == nil {
		return at, nil
	}
	if addr, err := netip.ParseAddr(strings.Trim(server, "[]")); err == nil {
		return netip.AddrPortFrom(addr, a.port), nil
	}
	host, port := server, a.port
	if h, p, err := net.SplitHostPort(server); err == nil {
		n, err := net.DefaultResolver.LookupPort(ctx, "udp", p)
		if err != nil {
			return netip.AddrPort{}, fmt.Errorf("@%s: %w", server, err)
		}
		host, port = h, uint16(n)
	}
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil || len(found) == 0 {
		return netip.AddrPort{}, failure{fmt.Errorf("@%s has no address: %w", server, err)}
	}
	return netip.AddrPortFrom(found[0].Unmap(), port), nil
}

// domainName checks a name that is to be asked for.
func domainName(text string) (string, error) {
	if _, ok := dns.IsDomainName(text); !ok || text == "" {
		return "", fmt.Errorf("%q is not a domain name", text)
	}
	return dns.Fqdn(text), nil
}
