package kinesistest

import "fmt"

// Scale gives a stream another number of shards, without the bounds of UpdateShardCount. So a test plays the service, which splits and
// merges the shards of on-demand streams when it likes and tells nobody. With [WithTransitionTime] the stream is UPDATING until then.
func (s *Server) Scale(stream string, shards int) error {
	if err := s.kinesis.Scale(stream, shards); err != nil {
		return fmt.Errorf("kinesistest: cannot scale stream %s: %w", stream, err)
	}
	return nil
}
