// Package cache is a bounded map from a key and a client network to a value that
// expires.
//
// The story in ten lines: what a server answers holds for everyone, or for the
// clients of one network only. [Cache.Put] keeps a value for such an audience,
// and [Cache.Get] finds the value with the longest network that contains the
// client, or else the one for everyone. Nearly all keys have a value for everyone
// and no other; they cost one map entry and nothing more. The networks of the
// few other keys stand in a sorted slice, in which each knows the one around it,
// so a lookup is one binary search and a few steps outwards whatever the length
// of an address is. A value may be for those clients alone who tell just as many bits
// as its network has ([Cache.PutExact]). Three bounds hold: networks for each key, of
// which expired and then the most specific go first; and pairs of key and audience in
// all, and the memory that they take, for which the least recently used go. Memory is
// reckoned with everything that the cache adds, so a bound in octets is one that an
// operator can rely on. Keys are spread over shards with a lock each;
// [Cache.Warm], before several of Get, has the processor wait once and not for each.
// What expired stays until its place is needed, for those who would rather have
// something old than nothing ([Cache.GetStale]).
//
// Standards: RFC 7871 7.3.1 (which cached answer serves which client). Not here:
// TTLs, prefetch, any decision about what may be kept.
package cache
