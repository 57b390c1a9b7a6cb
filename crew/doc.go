// Package crew runs functions in goroutines that are used again while there is
// work.
//
// The story in five lines: work that goes deep makes a new goroutine's stack grow
// in steps, and each step copies all of it. Where many such functions run at any
// time, that costs more than starting them. So whoever has finished waits for the
// next function, the last one first, whose stack is still in the processor's cache;
// and when nothing runs any more, nobody waits: no goroutine outlives the work, unless
// somebody who serves keeps the crew for the work to come.
//
// Standards: none; this is about Go.
package crew
