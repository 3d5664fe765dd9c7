package dynamodb

// The service's units, from its documentation: a write unit is 1 KB of one item, a read unit 4 KB read with strong
// consistency or 8 KB read without. A write counts the larger of the item before and after. A query or scan counts the
// sum of the items that it looked at, before any filter; a get and each key of a batch get round up by themselves.
// An item that does not exist counts as one of the smallest size.
const (
	writeUnitBytes = 1024
	readUnitBytes  = 4096
)

func writeUnits(size int) float64 {
	return roundedUp(size, writeUnitBytes)
}

func readUnits(size int, consistent bool) float64 {
	units := roundedUp(size, readUnitBytes)
	if !consistent {
		units /= 2
	}
	return units
}

// roundedUp returns the number of units that size takes, at least one.
func roundedUp(size, unit int) float64 {
	return float64(max(1, (size+unit-1)/unit))
}

// capacity is what an operation consumed of one table.
type capacity struct {
	table   float64
	indexes map[string]float64
}

// add adds units consumed of the index called name, or of the table itself if name is empty.
func (c *capacity) add(name string, units float64) {
	switch {
	case units == 0:
	case name == "":
		c.table += units
	default:
		if c.indexes == nil {
			c.indexes = make(map[string]float64)
		}
		c.indexes[name] += units
	}
}

// merge adds what another operation consumed of the same table.
func (c *capacity) merge(d capacity) {
	c.table += d.table
	for name, units := range d.indexes {
		c.add(name, units)
	}
}

// times returns the capacity multiplied by a factor.
func (c capacity) times(factor float64) capacity {
	var product capacity
	product.add("", c.table*factor)
	for name, units := range c.indexes {
		product.add(name, units*factor)
	}
	return product
}

// consumedCapacity is the wire form of capacity.
type consumedCapacity struct {
	TableName              string
	CapacityUnits          float64
	ReadCapacityUnits      float64              `json:",omitempty"` // of transactions, which say what CapacityUnits are
	WriteCapacityUnits     float64              `json:",omitempty"`
	Table                  *unitCount           `json:",omitempty"`
	GlobalSecondaryIndexes map[string]unitCount `json:",omitempty"`
}

type unitCount struct{ CapacityUnits float64 }

// report returns the wire form in the detail that a request asked for: nil for NONE, the sum for TOTAL, and the parts
// too for INDEXES.
func (c capacity) report(tableName, detail string) *consumedCapacity {
	if detail != "TOTAL" && detail != "INDEXES" {
		return nil
	}
	report := &consumedCapacity{TableName: tableName, CapacityUnits: c.table}
	for _, units := range c.indexes {
		report.CapacityUnits += units
	}
	if detail == "TOTAL" {
		return report
	}
	report.Table = &unitCount{c.table}
	for name, units := range c.indexes {
		if report.GlobalSecondaryIndexes == nil {
			report.GlobalSecondaryIndexes = make(map[string]unitCount)
		}
		report.GlobalSecondaryIndexes[name] = unitCount{units}
	}
	return report
}
