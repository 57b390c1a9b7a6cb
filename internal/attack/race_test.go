//go:build race

package attack_test

// slower is how much more processor time the race detector takes, at most.
const slower = 20
