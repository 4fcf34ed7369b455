package torture

import (
	"context"
	"fmt"
	"path/filepath"

	"hawker/internal/app"
	"hawker/internal/merchant"
	"hawker/internal/sandbox/pos"
)

// station is one terminal: who it is, and the files of its worker.
type station struct {
	Name     string // of its process and files
	Merchant merchant.ID
	MID      string // field 42
	TID      string // field 41
	State    string // the terminal's memory
	Slips    string // its journal
}

// provision fills the data directory and its database with merchants of two terminals
// each, so that some share one and some do not, and makes the terminals.
func (w *world) provision(ctx context.Context, host string) error {
	devices, err := app.Provision(ctx, app.Config{Data: w.data(), Database: w.target()}, (w.Terminals+1)/2, 2)
	if err != nil {
		return err
	}
	for i, d := range devices[:w.Terminals] {
		s := station{Name: fmt.Sprintf("terminal-%d", i+1), Merchant: d.Merchant, MID: d.MID, TID: d.TID}
		s.State, s.Slips = filepath.Join(w.terminals(), s.Name+".json"), filepath.Join(w.terminals(), s.Name+".slips")
		if err := pos.Provision(s.State, pos.Device{Host: host, TMK: d.TMK, Copy: i%99 + 1, Shop: pos.Shop{
			Name: pos.Words{ZH: "折腾小店", EN: "Torture Shop"}, MerchantID: d.MID, TerminalID: d.TID}}); err != nil {
			return err
		}
		w.stations = append(w.stations, s)
	}
	return nil
}
