package bench

import (
	"strings"
	"testing"
)

const exposition = `# HELP hawker_commit_commands Commands a commit.
# TYPE hawker_commit_commands histogram
hawker_commit_commands_bucket{kind="begin",le="1"} 10
hawker_commit_commands_bucket{kind="begin",le="64"} 90
hawker_commit_commands_bucket{kind="begin",le="+Inf"} 100
hawker_commit_commands_sum{kind="begin"} 5000
hawker_commit_commands_count{kind="begin"} 100
hawker_commit_commands_bucket{kind="resolve",le="1"} 30
hawker_commit_commands_bucket{kind="resolve",le="64"} 100
hawker_commit_commands_bucket{kind="resolve",le="+Inf"} 100
hawker_commit_commands_sum{kind="resolve"} 1e+03
hawker_commit_commands_count{kind="resolve"} 100
hawker_attempts_total{kind="sale"} 17
`

func TestCommitsAreReadOfTheMetrics(t *testing.T) {
	t.Parallel()
	c, err := parseCommits(strings.NewReader(exposition))
	if err != nil || c.count != 200 || c.commands != 6000 {
		t.Fatalf("%v commits of %v commands, %v", c.count, c.commands, err)
	}
	if c.quantile(0.2) != 1 || c.quantile(0.5) != 64 || c.quantile(0.99) != 0 {
		t.Errorf("quantiles %v, %v, %v", c.quantile(0.2), c.quantile(0.5), c.quantile(0.99))
	}
	if d := c.since(c); d.count != 0 || d.atMost[64] != 0 {
		t.Errorf("nothing happened, got %+v", d)
	}
	none, err := parseCommits(strings.NewReader("hawker_attempts_total 17\n"))
	if err != nil || none.count != 0 {
		t.Errorf("a server without commits told of %v, %v", none.count, err)
	}
}
