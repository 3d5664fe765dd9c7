package leases_test

import (
	"testing"

	"github.com/penstock-go/penstock/leases"
	"github.com/penstock-go/penstock/leases/leasestest"
)

func TestMemoryStore(t *testing.T) {
	leasestest.Run(t, func(*testing.T) leases.Store { return leases.NewMemory() })
}
