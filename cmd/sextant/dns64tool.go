package main

import (
	"fmt"
	"io"
	"net/netip"

	"github.com/miekg/dns"
	"github.com/spf13/cobra"

	"github.com/sextant-dns/sextant/dns64"
	"github.com/sextant-dns/sextant/lint"
	"github.com/sextant-dns/sextant/probe"
)

func dns64Command() *cobra.Command {
	command := &cobra.Command{Use: "dns64", Short: "IPv4 addresses in IPv6 addresses, and servers that make them"}
	command.AddCommand(embedCommand(), extractCommand(), explainAddressCommand(), discoverCommand(), auditDNS64Command())
	return command
}

// prefixFlag is a flag for Pref64s, repeatable.
func prefixFlag(cmd *cobra.Command, what string) *[]string {
	return cmd.Flags().StringSlice("prefix", nil, what)
}

func parsePrefixes(texts []string) (all []netip.Prefix, err error) {
	for _, text := range texts {
		p, err := dns64.ParsePrefix(text)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

func prefixesOrWellKnown(texts []string) ([]netip.Prefix, error) {
	if len(texts) == 0 {
		return []netip.Prefix{dns64.WellKnown}, nil
	}
	return parsePrefixes(texts)
}

func embedCommand() *cobra.Command {
	command := &cobra.Command{
		Use:     "embed IPV4...",
		Short:   "Print the IPv6 addresses that stand for IPv4 addresses",
		Example: "  sextant dns64 embed 192.0.2.33 --prefix 2001:db8:122:344::/64",
		Args:    cobra.MinimumNArgs(1),
	}
	texts := prefixFlag(command, "Pref64, repeatable; without it 64:ff9b::/96")
	command.RunE = func(cmd *cobra.Command, args []string) error {
		prefixes, err := prefixesOrWellKnown(*texts)
		if err != nil {
			return err
		}
		for _, arg := range args {
			v4, err := netip.ParseAddr(arg)
			if err != nil || !v4.Unmap().Is4() {
				return fmt.Errorf("%q is not an IPv4 address", arg)
			}
			for _, p := range prefixes {
				fmt.Fprintln(cmd.OutOrStdout(), dns64.Embed(p, v4))
				if p == dns64.WellKnown && dns64.BarRFC6052.Bars(v4) {
					fmt.Fprintf(cmd.ErrOrStderr(), "sextant: %s is not global, so it must not stand under %s (RFC 6052 3.1)\n", v4, p)
				}
			}
		}
		return nil
	}
	return command
}

func extractCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "extract IPV6...",
		Short: "Print the IPv4 addresses that IPv6 addresses stand for",
		Args:  cobra.MinimumNArgs(1),
	}
	texts := prefixFlag(command, "Pref64, repeatable; without it 64:ff9b::/96")
	command.RunE = func(cmd *cobra.Command, args []string) error {
		prefixes, err := prefixesOrWellKnown(*texts)
		if err != nil {
			return err
		}
		for _, arg := range args {
			a, err := parseIPv6(arg)
			if err != nil {
				return err
			}
			v4, found := extract(prefixes, a)
			if !found {
				return failure{fmt.Errorf("%s lies in none of %v", a, prefixes)}
			}
			fmt.Fprintln(cmd.OutOrStdout(), v4)
		}
		return nil
	}
	return command
}

func parseIPv6(text string) (netip.Addr, error) {
	a, err := netip.ParseAddr(text)
	if err != nil || !a.Is6() || a.Zone() != "" {
		return a, fmt.Errorf("%q is not an IPv6 address", text)
	}
	return a, nil
}

func extract(prefixes []netip.Prefix, a netip.Addr) (v4 netip.Addr, found bool) {
	for _, p := range prefixes {
		if v4, found = dns64.Extract(p, a); found {
			return v4, true
		}
	}
	return v4, false
}

func explainAddressCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "explain ADDRESS",
		Short: "Say what an address stands for, and in what",
		Long: `Of an IPv6 address in a known Pref64 say which IPv4 address it stands for, bit by bit. Of another one say
what it would be under a Pref64 of each length. Of an IPv4 address say what stands for it.`,
		Args: cobra.ExactArgs(1),
	}
	texts := prefixFlag(command, "Pref64 of your network, repeatable")
	command.RunE = func(cmd *cobra.Command, args []string) error {
		prefixes, err := parsePrefixes(*texts)
		if err != nil {
			return err
		}
		a, err := netip.ParseAddr(args[0])
		if err != nil || a.Zone() != "" {
			return fmt.Errorf("%q is not an address", args[0])
		}
		explainAddress(cmd.OutOrStdout(), a, append(prefixes, dns64.WellKnown))
		return nil
	}
	return command
}

// localUse is where Pref64s of networks may be made that carry private addresses, too.
var localUse = netip.MustParsePrefix("64:ff9b:1::/48")

func explainAddress(out io.Writer, a netip.Addr, prefixes []netip.Prefix) {
	if a.Is4() {
		for _, p := range prefixes {
			fmt.Fprintf(out, "%s stands for %s under %s\n", dns64.Embed(p, a), a, p)
		}
		global(out, a)
		return
	}
	if a.Is4In6() {
		fmt.Fprintf(out, "%s is %s as programs see it (RFC 4291 2.5.5.2), and never on the wire\n", a, a.Unmap())
		return
	}
	for _, p := range prefixes {
		if v4, ok := dns64.Extract(p, a); ok {
			fmt.Fprintf(out, "%s stands for %s under the Pref64 %s\n", a, v4, p)
			printBits(out, p, a, v4)
			global(out, v4)
			return
		}
	}
	fmt.Fprintf(out, "%s lies in none of %v\n", a, prefixes)
	if localUse.Contains(a) {
		fmt.Fprintf(out, "%s is for Pref64s that networks choose for themselves (RFC 8215)\n", localUse)
	}
	candidates := dns64.Candidates(a)
	if len(candidates) == 0 {
		fmt.Fprintln(out, "its bits 64 to 71 are not zero, so it can only stand for something by chance (RFC 6052 2.2)")
		return
	}
	fmt.Fprintln(out, "it would stand for")
	for _, c := range candidates {
		fmt.Fprintf(out, "  %-15s under %s\n", c.V4, c.Prefix)
	}
}

// printBits says which bits are what (RFC 6052 2.2).
func printBits(out io.Writer, p netip.Prefix, a, v4 netip.Addr) {
	const octet, from, to = 8, 64, 71
	switch bits := p.Bits(); {
	case bits+32 <= from:
		fmt.Fprintf(out, "  bits 0-%d the Pref64, %d-%d the IPv4 address, %d-%d zero, the rest a suffix\n", bits-1, bits, bits+31, from, to)
	case bits <= from:
		fmt.Fprintf(out, "  bits 0-%d the Pref64, %d-%d the IPv4 address, but for %d-%d, which are zero, the rest a suffix\n", bits-1, bits, bits+31+octet, from, to)
	default:
		fmt.Fprintf(out, "  bits 0-%d the Pref64, %d-%d the IPv4 address; also written %s%s\n", bits-1, bits, bits+31, p.Addr(), v4)
	}
	if clean := dns64.Embed(p, v4); clean != a {
		fmt.Fprintf(out, "  what is not the IPv4 address should be zero: %s (RFC 6052 2.2)\n", clean)
	}
	if name, err := dns.ReverseAddr(a.String()); err == nil {
		v4name, _ := dns.ReverseAddr(v4.String()) // an address has one
		fmt.Fprintf(out, "  PTR %s\n   as %s\n", name, v4name)
	}
}

func global(out io.Writer, v4 netip.Addr) {
	if dns64.BarRFC6052.Bars(v4) {
		fmt.Fprintf(out, "%s is not global: it must not stand under %s (RFC 6052 3.1)\n", v4, dns64.WellKnown)
	}
}

func discoverCommand() *cobra.Command {
	var a asking
	command := &cobra.Command{
		Use:   "discover [@SERVER]",
		Short: "Find the Pref64s of this network as hosts do (RFC 7050)",
		Long: `Ask a resolver, the first of /etc/resolv.conf unless another is named, for the AAAA of ipv4only.arpa, and
print the Pref64s in it, each with the seconds for which it holds. Exit code 1 when there is none.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, rest, err := a.client(cmd.Context(), args, true, 0)
			if err != nil {
				return err
			}
			if len(rest) > 0 {
				return fmt.Errorf("%q is no server; did you mean @%s?", rest[0], rest[0])
			}
			reply, err := c.Ask(cmd.Context(), probe.Query("ipv4only.arpa.", dns.TypeAAAA, true)) // RFC 7050 3: with CD=0
			if err != nil {
				return failure{err}
			}
			return printPrefixes(cmd.OutOrStdout(), reply)
		},
	}
	a.flags(command)
	return command
}

func printPrefixes(out io.Writer, reply *probe.Reply) error {
	if reply.Msg == nil {
		return failure{reply.Err}
	}
	var all []netip.Addr
	var ttl uint32
	for _, rr := range reply.Msg.Answer {
		if aaaa, ok := rr.(*dns.AAAA); ok {
			a, _ := netip.AddrFromSlice(aaaa.AAAA.To16())
			if len(all) == 0 || rr.Header().Ttl < ttl {
				ttl = rr.Header().Ttl
			}
			all = append(all, a)
		}
	}
	prefixes := dns64.Discover(all)
	if len(prefixes) == 0 {
		return failure{fmt.Errorf("no Pref64: ipv4only.arpa has %d AAAA here (%s), and none shows one", len(all), dns.RcodeToString[reply.Msg.Rcode])}
	}
	for _, p := range prefixes {
		fmt.Fprintf(out, "%s\t%d\n", p, ttl)
	}
	return nil
}

func auditDNS64Command() *cobra.Command {
	var r reporting
	names := lint.LabNames()
	command := &cobra.Command{
		Use:   "audit @SERVER",
		Short: "Compare what a DNS64 synthesizes with the RFCs",
		Long: `Ask a resolver for names of known kinds and compare what it synthesizes with what that is made of. The
names are those of "sextant lab" unless flags say otherwise; an empty name leaves its checks out. What is
really there is what the server itself says with CD and DO set, for then nothing may be synthesized. Exit
code 1 when something is wrong.`,
		Example: "  sextant dns64 audit @127.0.0.1:5300\n  sextant dns64 audit @192.0.2.1 --v4only ipv4.example.net --dual www.example.net --v6only= --alias= --mapped= --private=",
		Args:    cobra.ExactArgs(1),
	}
	r.flags(command)
	texts := prefixFlag(command, "Pref64 of the translator, repeatable; without it what ipv4only.arpa shows")
	for _, f := range []struct {
		name, what string
		at         *string
	}{
		{"v4only", "name with A and no AAAA", &names.V4Only}, {"v6only", "name with AAAA and no A", &names.V6Only},
		{"dual", "name with both", &names.Dual}, {"alias", "CNAME to a name with A and no AAAA", &names.Alias},
		{"absent", "name that does not exist", &names.Absent}, {"mapped", "name with an AAAA in ::ffff:0:0/96, and an A", &names.Mapped},
		{"private", "name with an A of RFC 1918 and no AAAA", &names.Private},
	} {
		command.Flags().StringVar(f.at, f.name, *f.at, f.what)
	}
	command.RunE = func(cmd *cobra.Command, args []string) (err error) {
		if names.Prefixes, err = parsePrefixes(*texts); err != nil {
			return err
		}
		c, _, err := r.client(cmd.Context(), args, false, 0)
		if err != nil {
			return err
		}
		report, err := lint.DNS64(cmd.Context(), c, names)
		return r.finish(cmd, report, err)
	}
	return command
}
