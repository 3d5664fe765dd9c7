// Package tosns sends messages about records that a mapping passes over to an SNS topic. A message says where the records are; it does not
// have them. File: topic.go.
package tosns
