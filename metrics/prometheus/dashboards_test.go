package prometheus_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v2"

	"github.com/penstock-go/penstock/metrics/prometheus"
)

// dashboard is what is looked at of a dashboard of Grafana.
type dashboard struct {
	Title, UID    string
	SchemaVersion int
	Panels        []struct {
		ID          int
		Title, Type string
		GridPos     struct{ H, W, X, Y int }
		Targets     []struct{ RefID, Expr string }
	}
	Templating struct {
		List []struct {
			Name  string
			Query any
		}
	}
}

// rules is a file of alert rules, whole: what is misspelled is refused.
type rules struct {
	Groups []struct {
		Name  string
		Rules []struct {
			Alert, Expr         string
			For                 string            `yaml:"for"`
			Labels, Annotations map[string]string `yaml:",flow"`
		}
	}
}

func readDashboard(t *testing.T) (d dashboard, text string) {
	t.Helper()
	raw, err := os.ReadFile("../dashboards/penstock.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	return d, string(raw)
}

func readRules(t *testing.T) (r rules, text string) {
	t.Helper()
	raw, err := os.ReadFile("../dashboards/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(raw, &r); err != nil {
		t.Fatal(err)
	}
	return r, string(raw)
}

var (
	metricName = regexp.MustCompile(`penstock_[a-z_]+`)
	// used is a metric where it is used: what it is summed by, if it is, its name, and what it is selected by.
	used     = regexp.MustCompile(`(?:by \(([a-z, ]*)\) \((?:rate|increase|deriv)?\(?)?(penstock_[a-z_]+)(?:\{([^}]*)\})?`)
	selector = regexp.MustCompile(`([a-z_]+)(?:=~|!~|!=|=)"`)
)

// labelsOf returns the labels of each series that an expression may name, with those of histograms.
func labelsOf(t *testing.T) map[string][]string {
	labels := make(map[string][]string)
	for name, family := range everything(t) {
		var of []string
		for _, l := range family.GetMetric()[0].GetLabel() {
			of = append(of, l.GetName())
		}
		labels[name] = of
		if family.GetMetric()[0].GetHistogram() != nil {
			labels[name+"_bucket"] = append(slices.Clone(of), "le")
			labels[name+"_count"], labels[name+"_sum"] = of, of
			delete(labels, name)
		}
	}
	return labels
}

// checkExpr holds an expression against what is exported.
func checkExpr(t *testing.T, where, expr string, labels map[string][]string) {
	t.Helper()
	if strings.Count(expr, "(") != strings.Count(expr, ")") || strings.Count(expr, "[") != strings.Count(expr, "]") {
		t.Errorf("%s: %s is not balanced", where, expr)
	}
	found := used.FindAllStringSubmatch(expr, -1)
	if len(found) == 0 {
		t.Errorf("%s: %s uses no metric", where, expr)
	}
	for _, use := range found {
		name := use[2]
		have, ok := labels[name]
		if !ok {
			t.Errorf("%s: %s is not exported", where, name)
			continue
		}
		wanted := strings.FieldsFunc(use[1], func(r rune) bool { return r == ',' || r == ' ' })
		for _, s := range selector.FindAllStringSubmatch(use[3], -1) {
			wanted = append(wanted, s[1])
		}
		for _, label := range wanted {
			if !slices.Contains(have, label) {
				t.Errorf("%s: %s has no label %s", where, name, label)
			}
		}
		if counter := strings.HasSuffix(name, "_total") || strings.HasSuffix(name, "_bucket"); counter != (strings.Contains(expr, "rate(") || strings.Contains(expr, "increase(")) {
			t.Errorf("%s: %s is read the wrong way: a counter needs rate or increase, and nothing else has one", where, name)
		}
	}
}

func TestTheDashboardShowsWhatIsExported(t *testing.T) {
	d, text := readDashboard(t)
	labels := labelsOf(t)
	seen, taken := make(map[int]bool), make(map[[2]int]string)
	for _, p := range d.Panels {
		if seen[p.ID] {
			t.Errorf("two panels have the id %d", p.ID)
		}
		seen[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
					t.Errorf("%s lies over %s, or beside the page", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("%s shows nothing", p.Title)
		}
		for _, target := range p.Targets {
			checkExpr(t, p.Title, target.Expr, labels)
		}
	}
	for _, variable := range regexp.MustCompile(`\$\{?([a-z]+)\b`).FindAllStringSubmatch(text, -1) {
		if !slices.ContainsFunc(d.Templating.List, func(v struct {
			Name  string
			Query any
		},
		) bool {
			return v.Name == variable[1]
		}) {
			t.Errorf("no variable %s", variable[1])
		}
	}
}

// Each thing that a runbook asks for has its alert.
func TestTheAlertsAskForWhatIsExported(t *testing.T) {
	r, _ := readRules(t)
	labels := labelsOf(t)
	have := make(map[string]bool)
	for _, g := range r.Groups {
		for _, rule := range g.Rules {
			if rule.Alert == "" || have[rule.Alert] || rule.Labels["severity"] == "" || rule.Annotations["summary"] == "" {
				t.Errorf("%+v lacks something, or is there twice", rule)
			}
			have[rule.Alert] = true
			checkExpr(t, rule.Alert, rule.Expr, labels)
		}
	}
	for _, name := range []string{"IteratorAgeRising", "WriteThrottled", "ReadThrottled", "HotShard", "LeaseLost", "NoWorkerOnAShard", "RetentionNear"} {
		if !have["Penstock"+name] {
			t.Errorf("no alert %s", name)
		}
	}
}

// A metric that nobody looks at is either not worth exporting or missing on the dashboard.
func TestEachMetricIsLookedAt(t *testing.T) {
	notShown := []string{ // what is for digging
		"penstock_producer_request_size_bytes", "penstock_producer_record_attempts", "penstock_producer_requests_total",
		"penstock_producer_buffered_records", "penstock_producer_callback_panics_total", "penstock_producer_fallbacks_total", "penstock_producer_wrong_shard_total",
		"penstock_consumer_fetched_records_total", "penstock_consumer_fallbacks_total", "penstock_leases_ended_total", "penstock_consumer_polled_instead_total",
		"penstock_consumer_call_seconds", "penstock_consumer_call_failures_total", "penstock_consumer_syncs_total", "penstock_leases_given_total",
		"penstock_leases_repaired_total", "penstock_leases_deleted_total", "penstock_leases_handoffs_asked_total", "penstock_leases_audits_total",
	}
	_, shown := readDashboard(t)
	_, alerts := readRules(t)
	var names []string
	for _, name := range metricName.FindAllString(shown+alerts, -1) {
		names = append(names, strings.TrimSuffix(name, "_bucket"))
	}
	for _, name := range prometheus.Names() {
		if slices.Contains(names, name) == slices.Contains(notShown, name) {
			t.Errorf("%s: shown %v, and among those that are not %v", name, slices.Contains(names, name), slices.Contains(notShown, name))
		}
	}
}
