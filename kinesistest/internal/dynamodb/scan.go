package dynamodb

type scanInput struct {
	pageParameters
	Segment, TotalSegments *int
}

// scan reads a page of all rows of a table or an index, or of one segment of them.
func (db *DB) scan(in *scanInput) (*pageOutput, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	expressions, err := in.parse(filterRole, projectionRole)
	if err != nil {
		return nil, err
	}
	s, err := in.source(db, expressions)
	if err != nil {
		return nil, err
	}
	within := span{}
	if in.Segment != nil {
		within = segmentSpan(*in.Segment, *in.TotalSegments)
	}
	if in.ExclusiveStartKey != nil {
		if err := s.checkStart(in.ExclusiveStartKey); err != nil {
			return nil, err
		}
		if !within.contains(s.key(in.ExclusiveStartKey)) {
			return nil, invalid("The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey "+
				"with correct Segment. TotalSegments: %d Segment: %d", *in.TotalSegments, *in.Segment)
		}
		within = s.startAfter(within, in.ExclusiveStartKey, true)
	}
	return in.page(s, within, true, expressions)
}

func (in *scanInput) check() error {
	var v violations
	in.pageParameters.check(&v)
	v.atLeast(in.Segment, "segment", 0)
	v.atMost(in.Segment, "segment", 999999)
	v.atLeast(in.TotalSegments, "totalSegments", 1)
	v.atMost(in.TotalSegments, "totalSegments", 1000000)
	if err := v.err(); err != nil {
		return err
	}
	switch {
	case in.Segment != nil && in.TotalSegments == nil:
		return invalid("The TotalSegments parameter is required but was not present in the request when Segment parameter is present")
	case in.Segment == nil && in.TotalSegments != nil:
		return invalid("The Segment parameter is required but was not present in the request when parameter TotalSegments is present")
	case in.Segment != nil && *in.Segment >= *in.TotalSegments:
		return invalid("The Segment parameter is zero-based and must be less than parameter TotalSegments: "+
			"Segment: %d is not less than TotalSegments: %d", *in.Segment, *in.TotalSegments)
	}
	return in.checkSelect()
}
