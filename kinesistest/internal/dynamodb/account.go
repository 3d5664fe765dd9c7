package dynamodb

// The quotas of a new account in most regions, from the service's documentation.
const (
	accountCapacityUnits = 80_000
	tableCapacityUnits   = 40_000
)

type noInput struct{}

type limitsOutput struct {
	AccountMaxReadCapacityUnits, AccountMaxWriteCapacityUnits int
	TableMaxReadCapacityUnits, TableMaxWriteCapacityUnits     int
}

// describeLimits tells quotas, which nothing here enforces.
func (db *DB) describeLimits(*noInput) (*limitsOutput, error) {
	return &limitsOutput{accountCapacityUnits, accountCapacityUnits, tableCapacityUnits, tableCapacityUnits}, nil
}

type endpointsOutput struct{ Endpoints []endpoint }

type endpoint struct {
	Address              string
	CachePeriodInMinutes int64
}

// describeEndpoints tells the service's own address in the region. Clients ask for it only when they look endpoints up, which
// they do not when they were given one.
func (db *DB) describeEndpoints(*noInput) (*endpointsOutput, error) {
	const aDay = 24 * 60
	return &endpointsOutput{[]endpoint{{"dynamodb." + db.opts.Region + ".amazonaws.com", aDay}}}, nil
}
