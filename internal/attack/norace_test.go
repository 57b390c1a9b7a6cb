//go:build !race

package attack_test

// slower is how much more processor time the test may take than is meant: not every
// machine is as fast as that which the bound was found on.
const slower = 3
