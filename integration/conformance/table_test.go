package conformance

import (
	"os"
	"strings"
	"testing"
)

// path is where the table is.
const path = "../../docs/conformance.md"

// A document is the file with the tables, cut at the marks between which they stand.
type document struct {
	text     string
	sections []*section
}

// A section is the table of one service.
type section struct {
	suite
	begin, end string // the lines before and after it
	cells      [][]string
}

func readDocument(t *testing.T) *document {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return &document{text: string(text)}
}

// section reads the table of a suite: it must have a row for each rule and nothing else, unless it is about to be written.
func (d *document) section(t *testing.T, s suite) *section {
	t.Helper()
	name := strings.ToLower(s.service)
	sec := &section{suite: s, begin: "<!-- " + name + " -->\n", end: "<!-- end of " + name + " -->"}
	d.sections = append(d.sections, sec)
	_, rest, begins := strings.Cut(d.text, sec.begin)
	table, _, ends := strings.Cut(rest, sec.end)
	if !begins || !ends {
		t.Fatalf("%s has no %q and %q", path, sec.begin, sec.end)
	}
	rows := make(map[string][]string)
	for line := range strings.Lines(table) {
		if cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | "); len(cells) == len(s.servers)+1 {
			rows[strings.TrimSpace(cells[0])] = cells[1:]
		}
	}
	for _, r := range s.rules {
		row, there := rows[r.says]
		if !there && !*update {
			t.Errorf("%s has no row for the rule: %s", path, r.says)
		}
		if !there {
			row = make([]string, len(s.servers))
		}
		for i := range row {
			row[i] = strings.TrimSpace(row[i])
		}
		sec.cells = append(sec.cells, row)
		delete(rows, r.says)
	}
	delete(rows, s.service)
	for says := range rows {
		if !*update && !strings.HasPrefix(says, "---") {
			t.Errorf("%s has a row that is no rule: %s", path, says)
		}
	}
	return sec
}

// write puts the tables back into the file.
func (d *document) write(t *testing.T) {
	for _, s := range d.sections {
		before, rest, _ := strings.Cut(d.text, s.begin)
		_, after, _ := strings.Cut(rest, s.end)
		d.text = before + s.begin + s.table() + s.end + after
	}
	if err := os.WriteFile(path, []byte(d.text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (s *section) table() string {
	var b strings.Builder
	row := func(first string, cells []string) {
		b.WriteString("| " + first + " | " + strings.Join(cells, " | ") + " |\n")
	}
	row(s.service, s.servers)
	b.WriteString(strings.Repeat("|---", len(s.servers)+1) + "|\n")
	for i, r := range s.rules {
		row(r.says, s.cells[i])
	}
	return b.String()
}
