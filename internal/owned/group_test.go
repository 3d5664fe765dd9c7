package owned

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWaitReturnsAtOnceWhenNothingRuns(t *testing.T) {
	var g Group
	if left := g.Wait(t.Context()); left != nil {
		t.Errorf("left = %v", left)
	}
}

func TestWaitOutlastsGoroutinesThatStartOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Group
		finished := false
		g.Go("parent", func() {
			time.Sleep(time.Second)
			g.Go("child", func() {
				time.Sleep(time.Second)
				finished = true
			})
		})
		if left := g.Wait(t.Context()); left != nil || !finished {
			t.Errorf("left = %v, finished = %v", left, finished)
		}
	})
}

func TestWaitNamesWhatOutlivesTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Group
		stop := make(chan struct{})
		for _, name := range []string{"reader", "renewer", "reader"} {
			g.Go(name, func() { <-stop })
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if left, want := g.Wait(ctx), []string{"reader", "renewer"}; !slices.Equal(left, want) {
			t.Errorf("left = %v, want %v", left, want)
		}
		close(stop)
		if left := g.Wait(t.Context()); left != nil {
			t.Errorf("left = %v after the end", left)
		}
	})
}

func TestAGroupServesAgainAfterItFellIdle(t *testing.T) {
	var g Group
	for range 3 {
		ran := false
		g.Go("once", func() { ran = true })
		if left := g.Wait(t.Context()); left != nil || !ran {
			t.Fatalf("left = %v, ran = %v", left, ran)
		}
	}
}
