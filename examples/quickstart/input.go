package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
)

// maxLine bounds a user record. A longer line is sent in pieces of this size; every piece counts as a line.
const maxLine = 512 << 10

// maxPath is the service's bound on partition keys, in characters.
const maxPath = 256

// findFiles lists the regular files to stream, in the order of a walk. dir == "" means the standard library: every Go file below
// GOROOT/src but those of the commands.
func findFiles(ctx context.Context, dir string) ([]string, error) {
	standard := dir == ""
	if standard {
		out, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
		if err != nil {
			return nil, fmt.Errorf("go env GOROOT: %w (use -in to stream another directory)", err)
		}
		dir = filepath.Join(strings.TrimSpace(string(out)), "src")
	}
	var files []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case standard && entry.IsDir() && path == filepath.Join(dir, "cmd"):
			return fs.SkipDir
		case !entry.Type().IsRegular(), standard && filepath.Ext(path) != ".go":
			return nil
		case len(path) > maxPath:
			return fmt.Errorf("%s: the path is longer than a partition key may be (%d)", path, maxPath)
		}
		files = append(files, path)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("input: %w", err)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("input: no files below %s", dir)
	}
	return files, nil
}

// lines cuts a file into lines, each with its newline, so that joining them gives the file again.
func lines(content []byte) (all [][]byte) {
	for len(content) > 0 {
		end := bytes.IndexByte(content, '\n') + 1
		if end == 0 {
			end = len(content)
		}
		end = min(end, maxLine)
		all = append(all, content[:end])
		content = content[end:]
	}
	return all
}
