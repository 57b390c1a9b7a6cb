package crew_test

import (
	"fmt"
	"sync"

	"github.com/sextant-dns/sextant/crew"
)

func Example() {
	var c crew.Crew
	var done sync.WaitGroup
	done.Add(1)
	c.Go(func() {
		defer done.Done()
		fmt.Println("deep work")
	})
	done.Wait()
	// Output: deep work
}
