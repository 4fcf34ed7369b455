package bench

import (
	"bufio"
	"cmp"
	"context"
	"io"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// commitMetric is the server's histogram of commands a commit.
const commitMetric = "hawker_commit_commands"

// commits is what the server had told of its commits at one instant, all labels together.
type commits struct {
	count, commands float64
	atMost          map[float64]float64 // commits of at most so many commands
}

// scrape asks for the server's metrics. A server that counts no commits gives the zero commits.
func scrape(ctx context.Context, url string) (c commits, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return c, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return c, err
	}
	defer func() { _ = response.Body.Close() }()
	return parseCommits(response.Body)
}

func parseCommits(text io.Reader) (commits, error) {
	c := commits{atMost: map[float64]float64{}}
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		rest, ours := strings.CutPrefix(lines.Text(), commitMetric+"_")
		at := strings.LastIndexByte(rest, ' ')
		if !ours || at < 0 {
			continue
		}
		value, err := strconv.ParseFloat(rest[at+1:], 64)
		if err != nil {
			continue
		}
		switch name, _, _ := strings.Cut(rest[:at], "{"); name {
		case "count":
			c.count += value
		case "sum":
			c.commands += value
		case "bucket":
			_, le, _ := strings.Cut(rest, `le="`)
			le, _, _ = strings.Cut(le, `"`)
			if bound, err := strconv.ParseFloat(le, 64); err == nil {
				c.atMost[bound] += value
			}
		}
	}
	return c, lines.Err()
}

// since is what came after an earlier instant.
func (c commits) since(before commits) commits {
	d := commits{count: c.count - before.count, commands: c.commands - before.commands, atMost: map[float64]float64{}}
	for bound, n := range c.atMost {
		d.atMost[bound] = n - before.atMost[bound]
	}
	return d
}

// quantile is the smallest bucket bound that a share q of the commits does not
// exceed; 0 when they all lie beyond the buckets.
func (c commits) quantile(q float64) float64 {
	for _, bound := range slices.SortedFunc(maps.Keys(c.atMost), cmp.Compare) {
		if c.atMost[bound] >= q*c.count && !math.IsInf(bound, 1) {
			return bound
		}
	}
	return 0
}
