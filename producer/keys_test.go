package producer

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/penstock-go/penstock/internal/hashkey"
)

func TestRememberedHashesAreThoseOfTheirKeys(t *testing.T) {
	var k keyHashes
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for round := range 6 {
				for i := range 20_000 { // so many that keys share slots
					key := fmt.Sprintf("%d-%s", i, strings.Repeat("x", i%80))
					if got, want := k.of(key), hashkey.Of(key); got != want {
						t.Errorf("goroutine %d, round %d: %s: %v, want %v", g, round, key, got, want)
						return
					}
				}
			}
		})
	}
	wg.Wait()
}

func TestKeysThatOccurOnceAreNotRemembered(t *testing.T) {
	var k keyHashes
	for i := range 100_000 {
		k.of(fmt.Sprintf("key-%d", i))
	}
	kept := 0
	for i := range k.slots {
		if k.slots[i].Load() != nil {
			kept++
		}
	}
	if kept > 10 { // the marks have 32 bits
		t.Errorf("%d are", kept)
	}
	for range 2 {
		for i := range 1000 {
			for range 2 {
				k.of(fmt.Sprintf("again-%d", i))
			}
		}
	}
	if got := testing.AllocsPerRun(100, func() { k.of("again-7") }); got != 0 {
		t.Errorf("%v allocations for a key that is remembered", got)
	}
}
