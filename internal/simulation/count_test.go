package simulation_test

import (
	"fmt"
	"os"
	"regexp"
	"sort"
	"strings"
	"testing"

	"hawker/internal/simulation"
)

func TestCount(t *testing.T) {
	if *seeds == 0 {
		t.Skip()
	}
	n := map[string]int{}
	re := regexp.MustCompile(`[0-9]+/[0-9]+`)
	for s := range *seeds {
		j, err := play(t, simulation.Plan{Seed: simulation.Seed(s + 1), Tier: simulation.Tier(tierFlag)})
		if err != nil {
			fmt.Println("SEED", s+1, strings.ReplaceAll(err.Error(), "\n", " || "))
		}
		var b strings.Builder
		j.WriteTo(&b)
		for _, l := range strings.Split(b.String(), "\n") {
			if len(l) < 16 {
				continue
			}
			l = l[15:]
			k := strings.Fields(l)
			key := strings.Join(k[:min(2, len(k))], " ")
			if strings.HasPrefix(l, "shop: T") && len(k) > 3 {
				key = "shop " + k[2]
				if i := strings.Index(l, "answered: "); i > 0 {
					key += " " + strings.SplitN(l[i+10:], ":", 2)[0]
				} else if i := strings.Index(l, "asked"); i > 0 {
					key += " asked"
				}
			}
			if strings.HasPrefix(l, "bank: ") && strings.Contains(l, ">") {
				key = "bank frame " + k[4]
			}
			if strings.Contains(l, "dies") {
				key = re.ReplaceAllString(l[:min(45, len(l))], "N")
				key = "dies"
			}
			n[key]++
		}
		n["lines"] += j.Len()
	}
	var ks []string
	for k := range n {
		ks = append(ks, k)
	}
	sort.Strings(ks)
	for _, k := range ks {
		fmt.Printf("%7.2f  %s\n", float64(n[k])/float64(*seeds), k)
	}
}

var tierFlag = os.Getenv("TIER")
