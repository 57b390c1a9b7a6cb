//go:build !race

package attack_test

// slower is how much more processor time this build takes than others.
const slower = 1
