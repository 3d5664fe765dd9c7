package expression

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
)

// proposition is a random condition together with what it must say, computed in Go.
type proposition struct {
	text  string
	holds bool
}

func propositions(depth int) *rapid.Generator[proposition] {
	return rapid.Custom(func(t *rapid.T) proposition {
		kind := 0
		if depth > 0 {
			kind = rapid.IntRange(0, 4).Draw(t, "kind")
		}
		switch kind {
		case 1, 2:
			left, right := propositions(depth-1).Draw(t, "left"), propositions(depth-1).Draw(t, "right")
			if kind == 1 {
				return proposition{"(" + left.text + ") AND (" + right.text + ")", left.holds && right.holds}
			}
			return proposition{"(" + left.text + ") OR (" + right.text + ")", left.holds || right.holds}
		case 3:
			p := propositions(depth-1).Draw(t, "inner")
			return proposition{"NOT (" + p.text + ")", !p.holds}
		default:
			n := rapid.IntRange(0, 9).Draw(t, "n")
			m := rapid.IntRange(0, 9).Draw(t, "m")
			op := rapid.SampledFrom([]string{"=", "<>", "<", "<=", ">", ">="}).Draw(t, "op")
			holds := map[string]bool{"=": n == m, "<>": n != m, "<": n < m, "<=": n <= m, ">": n > m, ">=": n >= m}[op]
			return proposition{fmt.Sprintf("n%d %s :v%d", n, op, m), holds}
		}
	})
}

func TestRandomConditionsMeanWhatTheySay(t *testing.T) {
	it, values := make(attribute.Item), make(attribute.Item)
	for i := range 10 {
		n, err := attribute.ParseNumber(fmt.Sprint(i))
		if err != nil {
			t.Fatal(err)
		}
		it[fmt.Sprintf("n%d", i)], values[fmt.Sprintf(":v%d", i)] = n, n
	}
	rapid.Check(t, func(t *rapid.T) {
		p := propositions(5).Draw(t, "proposition")
		scope, err := NewScope(nil, values)
		if err != nil {
			t.Fatal(err)
		}
		c, err := scope.Condition("ConditionExpression", p.text)
		var mistake *Error
		if errors.As(err, &mistake) && (strings.Contains(mistake.Reason, "too many operators") || strings.Contains(mistake.Reason, "size")) {
			t.Skip("too long")
		}
		if err != nil {
			t.Fatalf("%s: %v", p.text, err)
		}
		if got := c.Holds(it); got != p.holds {
			t.Fatalf("%s is %v", p.text, got)
		}
	})
}
