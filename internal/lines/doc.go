// Package lines appends lines to a file, such that those which were appended stay whole whatever happens to the others: a full disk, a process that
// ends in the middle of one, another process that appends to the same file.
//
// File: file.go.
package lines
