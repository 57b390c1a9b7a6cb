package main

import (
	"reflect"
	"time"

	"github.com/sextant-dns/sextant/config"
)

// reload reads the file at path again and, if all of it can be built, replaces
// what clients hear. If anything fails, nothing changes and the log says why.
func (p *parts) reload(path string) {
	if path == "" {
		p.log.Warn("reload: there is no configuration file")
		return
	}
	c, err := config.Load(path)
	if err != nil {
		p.log.Error("reload failed; nothing has changed", "error", err)
		return
	}
	s, err := p.buildState(c)
	if err != nil {
		p.log.Error("reload failed; nothing has changed", "error", err)
		return
	}
	for _, section := range needRestart(p.state.Load().config, c) {
		p.log.Warn("reload: a change waits for a restart", "section", section)
	}
	s.path, s.reloaded = path, time.Now()
	p.use(s)
	if w := s.located.watcher; w != nil {
		w.Refresh() // of files that have changed, now and not when they have been quiet
	}
	p.server.SetCookieSecrets(s.cookies)
	if p.root != nil {
		p.root.Refresh()
	}
	p.log.Info("reloaded", "file", path, "configuration", summary(c))
}

// needRestart names the sections that differ and that a reload does not touch:
// sockets and caches stay.
func needRestart(was, is *config.Config) []string {
	var sections []string
	for _, s := range []struct {
		name    string
		was, is any
	}{
		{"listen", was.Listen, is.Listen},
		{"xdp", was.XDP, is.XDP},
		{"metrics", was.Metrics, is.Metrics},
		{"log", was.Log, is.Log},
		{"nsid", was.NSID, is.NSID},
		{"version", was.Version, is.Version},
		{"cache", was.Cache, is.Cache},
		{"responses", was.Responses, is.Responses},
		{"resolver", was.Resolver, is.Resolver},
		{"dnssec", was.DNSSEC, is.DNSSEC},
		{"stale", was.Stale, is.Stale},
		{"forward or stub", was.Pinned, is.Pinned},
		{"control", was.Control, is.Control},
		{"lifeline", was.Lifeline, is.Lifeline},
		{"tcp", was.TCP, is.TCP},
		{"udp", was.UDP, is.UDP},
		{"cookies", cookieOptions(was.Cookies, nil), cookieOptions(is.Cookies, nil)}, // the secrets do not wait
		{"rate-limit", was.RateLimit, is.RateLimit},
		{"transfers", was.Transfers, is.Transfers},
	} {
		if !reflect.DeepEqual(s.was, s.is) {
			sections = append(sections, s.name)
		}
	}
	return sections
}
