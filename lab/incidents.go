package lab

import (
	"time"
)

// letters are names of servers where those of the time do not matter.
func letters(n int) (hosts []string) {
	for i := range n {
		hosts = append(hosts, string(rune('a'+i))+".ns")
	}
	return hosts
}

func at(year int, month time.Month, day, hour, minute int) time.Time {
	return time.Date(year, month, day, hour, minute, 0, 0, time.UTC)
}

// emptied is a copy of a TLD that has lost its delegations, and its signatures.
func emptied(serial uint32) Variant {
	return Variant{Delegates: "none", Forged: true, Serial: serial}
}

// Incidents are those that can be replayed, the oldest first.
func Incidents() []Incident {
	return []Incident{se2009(), de2010(), io2016(), io2017(), nz2023(), ru2024(), zoom2025(), de2026()}
}

func se2009() Incident {
	return Incident{
		Name: "se-2009", Title: "12 October 2009: the names of all servers in .se lack their final dots",
		Facts: []string{
			"A script left out the dots at the end of names, so that delegations led to servers below .se.se.",
			"It was sent out at 21:45 in Sweden, 19:45 UTC, and a good one within an hour; caches of providers were poisoned for up to 24 hours.",
		},
		Sources: []string{"iis.se, 13 October 2009; the registry to its registrars, news.namebay.com"},
		Here:    []string{"All nine servers are bad at the same moment, and for an hour. Delegations live for an hour, and so does the damage."},
		Began:   at(2009, time.October, 12, 19, 45), Lasted: time.Hour, Nearest: -1,
		TLD: TLDOptions{TLD: "\x02se\x00", Hosts: letters(9)},
		Variants: map[string]Variant{"dots": {
			Serial: 101, Delegates: "example.se. NS ns1.example.se.se.\nexample.se. NS ns2.example.se.se.\n",
		}, "mended": {Serial: 102}},
		Steps: []Step{
			{Says: "a new zone is published, and all nine servers refer to ns1.example.se.se.", Turn: []Turn{{Variant: "dots"}}},
			{After: 30 * time.Minute, Says: "in the zone itself, www moves to another address, and new is added", Moves: true},
			{After: time.Hour, Says: "a good zone is published", Turn: []Turn{{Variant: "mended"}}},
		},
	}
}

func de2010() Incident {
	return Incident{
		Name: "de-2010", Title: "12 May 2010: some servers of .de have a zone of which most is missing",
		Facts: []string{
			"The zone was cut off while it was copied: 3.84 of 13.67 million names were left.",
			"From 11:30 to 13:45 UTC some servers denied all others with authority; denials lived for 7200 seconds.",
		},
		Sources: []string{"DENIC; lists.dns-oarc.net, May 2010"},
		Here: []string{
			"Four of six servers are bad, the nearest among them; example.de. is not in what is left; denials live for 900 seconds.",
			"The bad zone is the newer one: after an hour, two refreshes, the two good servers are behind it, and have no say.",
		},
		Began: at(2010, time.May, 12, 11, 30), Lasted: 135 * time.Minute, Nearest: 0,
		TLD:      TLDOptions{TLD: "\x02de\x00", Hosts: []string{"a.nic", "f.nic", "z.nic", "c.nic", "l.nic", "s.nic"}},
		Variants: map[string]Variant{"cut": emptied(101)},
		Steps: []Step{
			{Says: "a.nic.de., f.nic.de., z.nic.de. and c.nic.de. serve what is left of the zone", Turn: []Turn{{Variant: "cut", Servers: []int{0, 1, 2, 3}}}},
			{After: time.Hour, Says: "in the zone itself, www moves to another address, and new is added", Moves: true},
			{After: 135 * time.Minute, Says: "the whole zone is back", Turn: []Turn{{}}},
		},
	}
}

func io2016() Incident {
	return Incident{
		Name: "io-2016", Title: "28 October 2016: three of seven servers of .io are silent, and one denies names that exist",
		Facts: []string{
			"At 05:00 UTC ns-a3, ns-d1 and ns-l1 were well, ns-a1, ns-a2 and ns-y1 did not reply, and ns-a4 said NXDOMAIN of names that were delegated.",
			"It took about twelve hours.",
		},
		Sources: []string{"qiita.com, MasahitoShinoda, 40cd312fabc6db604b39; rocca0504, 725d083460a8ea54f5f9"},
		Here:    []string{"The server that lies is the nearest, which is when it hurts."},
		Began:   at(2016, time.October, 28, 5, 0), Lasted: 12 * time.Hour, Nearest: 3,
		TLD:      TLDOptions{Hosts: []string{"ns-a1", "ns-a2", "ns-a3", "ns-a4", "ns-d1", "ns-l1", "ns-y1"}},
		Variants: map[string]Variant{"empty": emptied(100)},
		Steps: []Step{
			{Says: "ns-a1.io., ns-a2.io. and ns-y1.io. fall silent; ns-a4.io. denies all names below .io",
				Turn: []Turn{{Variant: Mute, Servers: []int{0, 1, 6}}, {Variant: "empty", Servers: []int{3}}}},
			{After: 6 * time.Hour, Says: "in the zone itself, www moves to another address, and new is added", Moves: true},
			{After: 12 * time.Hour, Says: "all seven servers are well", Turn: []Turn{{}}},
		},
	}
}

func io2017() Incident {
	return Incident{
		Name: "io-2017", Title: "20 September 2017: two of seven servers of .io have a zone of June",
		Facts: []string{
			"ns-a2 and ns-a4 said NXDOMAIN with authority, with a SOA of a0.nic.io. whose serial was 1497256201: a time in June 2017.",
		},
		Sources: []string{"techecho.com and news.ycombinator.com, item 15293578"},
		Here:    []string{"When it began, that it took four hours, the serial of the others; one of the two is the nearest."},
		Began:   at(2017, time.September, 20, 15, 0), Lasted: 4 * time.Hour, Nearest: 1,
		TLD:      TLDOptions{Hosts: []string{"ns-a1", "ns-a2", "ns-a3", "ns-a4", "a0.nic", "b0.nic", "c0.nic"}, Serial: 1505919601},
		Variants: map[string]Variant{"june": emptied(1497256201)},
		Steps: []Step{
			{Says: "ns-a2.io. and ns-a4.io. serve the zone of June, without example.io.", Turn: []Turn{{Variant: "june", Servers: []int{1, 3}}}},
			{After: 2 * time.Hour, Says: "in the zone itself, www moves to another address, and new is added", Moves: true},
			{After: 4 * time.Hour, Says: "all seven servers are well", Turn: []Turn{{}}},
		},
	}
}

func nz2023() Incident {
	return Incident{
		Name: "nz-2023", Title: "29 May 2023: .nz changes its keys faster than caches forget the old ones",
		Facts: []string{
			"After the roll of a KSK, DS and DNSKEY RRsets in caches did not match each other: bogus, for whoever held the old ones.",
			"It took about 13 hours, and concerned less than 2 % of users on average, 5 % at the peak. The advice was to flush caches.",
		},
		Sources: []string{"internetnz.nz, incident report"},
		Here: []string{
			"DS and DNSKEY live for a day, and both resolvers hold the old ones.",
			"Plain resolution is Sextant's own, which asks anew for keys that do not fit, and so does not fail; who did not ask failed until a flush.",
		},
		Began: at(2023, time.May, 29, 0, 0), Lasted: 13 * time.Hour, Nearest: -1, Validates: true,
		TLD:      TLDOptions{TLD: "\x02nz\x00", Hosts: letters(7), Signed: true, KeyTTL: 86400},
		Variants: map[string]Variant{"rolled": {Serial: 101, Key: "next"}},
		Steps: []Step{
			{Says: "the root has the DS of the new key, and .nz is signed by it alone", Turn: []Turn{{Variant: "rolled", Root: true}}},
			{After: 2 * time.Hour, Says: "in the zone itself, www moves to another address, and new is added", Moves: true},
			{After: 13 * time.Hour, Says: "the old RRsets have left all caches"},
		},
	}
}

func ru2024() Incident {
	return Incident{
		Name: "ru-2024", Title: "30 January 2024: signatures of .ru are made by a key that nobody knows",
		Facts: []string{
			"During a roll of keys two of them had the same key tag, and what was signed did not validate.",
			"It took two to four hours.",
		},
		Sources: []string{"cctld.ru, 35575"},
		Here:    []string{"It begins at 15:30 UTC and takes three and a half hours; every signature but that of the keys is bad."},
		Began:   at(2024, time.January, 30, 15, 30), Lasted: 210 * time.Minute, Nearest: -1, Validates: true,
		TLD:      TLDOptions{TLD: "\x02ru\x00", Hosts: letters(5)},
		Variants: map[string]Variant{"rolled": {Serial: 101, Stolen: share(100)}, "mended": {Serial: 102}},
		Steps: []Step{
			{Says: "all servers have a zone whose signatures do not validate", Turn: []Turn{{Variant: "rolled"}}},
			{After: 90 * time.Minute, Says: "in the zone itself, www moves to another address, and new is added", Moves: true},
			{After: 210 * time.Minute, Says: "the zone is signed by the old key", Turn: []Turn{{Variant: "mended"}}},
		},
	}
}

func zoom2025() Incident {
	return Incident{
		Name: "zoom-2025", Title: "16 April 2025: the registry of .us takes out zoom.us by mistake",
		Facts: []string{
			"A misunderstanding between registrar and registry set serverHold on zoom.us.",
			"From 18:25 to 20:12 UTC all servers of .us said, truthfully and with a proof, that there was no such name.",
		},
		Sources: []string{"zoom.statuspage.io; domainincite.com"},
		Here: []string{
			"The zone is called example.us.; denials live for 900 seconds.",
			"Sextant holds on because the operator has named the zone, and only then.",
		},
		Began: at(2025, time.April, 16, 18, 25), Lasted: 107 * time.Minute, Nearest: -1, Validates: true,
		TLD:      TLDOptions{TLD: "\x02us\x00", Hosts: letters(6)},
		Variants: map[string]Variant{"held": {Serial: 101, Delegates: "none"}, "back": {Serial: 102}},
		Steps: []Step{
			{Says: "all six servers prove that there is no example.us.", Turn: []Turn{{Variant: "held"}}},
			{After: 50 * time.Minute, Says: "in the zone itself, www moves to another address, and new is added", Moves: true},
			{After: 107 * time.Minute, Says: "the delegation is back", Turn: []Turn{{Variant: "back"}}},
		},
	}
}

func de2026() Incident {
	return Incident{
		Name: "de-2026", Title: "5 May 2026: two thirds of the signatures of .de are by keys that are not published",
		Facts: []string{
			"A roll of the ZSK made three key pairs with the same key tag, 33834, of which one was published.",
			"Some two thirds of all signatures were bad, those of NSEC3 among them, so that unsigned names failed, too.",
			"It began at about 19:30 UTC and took three to five hours; sources disagree.",
		},
		Sources: []string{"blog.cloudflare.com, de-tld-outage-dnssec; heise.de"},
		Here:    []string{"It takes four hours, and all NSEC3 are bad."},
		Began:   at(2026, time.May, 5, 19, 30), Lasted: 4 * time.Hour, Nearest: -1, Validates: true,
		TLD:      TLDOptions{TLD: "\x02de\x00", Hosts: []string{"a.nic", "f.nic", "z.nic", "c.nic", "l.nic", "s.nic"}, NSEC3: true},
		Variants: map[string]Variant{"rolled": {Serial: 101, Stolen: share(67)}, "mended": {Serial: 102}},
		Steps: []Step{
			{Says: "all servers have a zone of which two thirds do not validate", Turn: []Turn{{Variant: "rolled"}}},
			{After: 2 * time.Hour, Says: "in the zone itself, www moves to another address, and new is added", Moves: true},
			{After: 4 * time.Hour, Says: "the zone is signed by the key that is published", Turn: []Turn{{Variant: "mended"}}},
		},
	}
}
