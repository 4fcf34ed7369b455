package iso

import (
	"context"
	"errors"

	"hawker/internal/download"
	"hawker/internal/iso8583"
	"hawker/internal/store"
)

// downloadOf are the kinds by the network code of their list, body and end.
var downloadOf = map[string]download.Kind{
	"360": download.Parameters, "361": download.Parameters,
	"372": download.CAPKs, "370": download.CAPKs, "371": download.CAPKs,
	"382": download.AIDs, "380": download.AIDs, "381": download.AIDs,
	"390": download.Blacklist, "391": download.Blacklist,
	"394": download.Contactless, "395": download.Contactless,
	"396": download.BINs, "397": download.BINs,
	"398": download.BlackBINs, "399": download.BlackBINs,
}

// firstOf is the network code that begins the download of a kind.
var firstOf = map[download.Kind]string{
	download.Parameters: "360", download.CAPKs: "372", download.AIDs: "382", download.Blacklist: "390",
	download.Contactless: "394", download.BINs: "396", download.BlackBINs: "398",
}

// requestOf is the header's digit that tells a terminal to fetch a kind.
var requestOf = map[download.Kind]int{
	download.Parameters: iso8583.FetchParameters, download.CAPKs: iso8583.FetchCAPKs, download.AIDs: iso8583.FetchAIDs, download.Contactless: iso8583.FetchAIDs,
	download.Blacklist: iso8583.FetchLists, download.BINs: iso8583.FetchLists, download.BlackBINs: iso8583.FetchLists,
}

func (c *call) fetcher() download.Terminal {
	return download.Terminal{Merchant: c.merchant.ID, ID: c.terminal.ID}
}

// parameters answers 0800/360: all of them at once.
func (s *Server) parameters(ctx context.Context, c *call) error {
	rows, err := s.load(ctx, c, download.Parameters)
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return download.ErrNone.With("no parameters")
	}
	c.reply.SetBytes(62, rows[0].Body)
	return nil
}

func (s *Server) load(ctx context.Context, c *call, k download.Kind) (rows []download.Row, err error) {
	err = s.DB.Write(ctx, func(tx *store.Tx) (err error) {
		rows, err = download.Begin(ctx, tx, c.fetcher(), k, s.Clock)
		return err
	})
	return rows, err
}

// page answers a list request: rows from where the terminal is. The first page pins the
// version; a terminal with nothing to fetch gets a page that says so.
func (s *Server) page(ctx context.Context, c *call) error {
	received, err := iso8583.ParseReceived(c.message.Bytes(62))
	if err != nil {
		return formatFault(err)
	}
	kind := downloadOf[c.f60.Network]
	var rows []download.Row
	if received == 0 {
		rows, err = s.load(ctx, c, kind)
	} else {
		rows, err = download.Rows(ctx, s.DB.Read(), c.fetcher(), kind)
	}
	if err != nil && !errors.Is(err, download.ErrNone) {
		return err
	}
	heads := make([][]byte, len(rows))
	for i, r := range rows {
		heads[i] = r.Head
	}
	build := iso8583.BuildPage
	if kind == download.CAPKs || kind == download.AIDs {
		build = iso8583.BuildTLVPage
	}
	page, err := build(heads, received)
	if err != nil {
		return err
	}
	c.reply.SetBytes(62, page)
	return nil
}

// body answers 0800/370 and 380: "1" and what the named row holds, or "0".
func (s *Server) body(ctx context.Context, c *call) error {
	body, ok, err := download.Body(ctx, s.DB.Read(), c.fetcher(), downloadOf[c.f60.Network], c.message.Bytes(62))
	if err != nil {
		return err
	}
	if !ok {
		c.reply.SetBytes(62, []byte("0"))
		return nil
	}
	c.reply.SetBytes(62, append([]byte("1"), body...))
	return nil
}

// endDownload answers the end message of a download: the terminal has it all.
func (s *Server) endDownload(ctx context.Context, c *call) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		return download.End(ctx, tx, c.fetcher(), downloadOf[c.f60.Network], s.Clock)
	})
}

// tasks answers 0820/364: what the host wants of the terminal, in order.
func (s *Server) tasks(ctx context.Context, c *call) error {
	list, err := s.wanted(ctx, c)
	if err != nil {
		return err
	}
	if len(list) > 0 {
		c.reply.SetBytes(62, iso8583.BuildTasks(list))
	}
	return nil
}

// endTasks answers 0820/365.
func (s *Server) endTasks(context.Context, *call) error { return nil }

// wanted is what the terminal should send or fetch.
func (s *Server) wanted(ctx context.Context, c *call) (list []iso8583.Task, err error) {
	kinds, err := download.Wanted(ctx, s.DB.Read(), c.fetcher())
	for _, k := range kinds {
		list = append(list, iso8583.Task{Network: firstOf[k]})
	}
	if err != nil {
		return nil, err
	}
	missing, err := s.unsigned(ctx, c)
	return append(list, missing...), err
}

// hintedAfter are the messages whose answer tells a terminal what to do next, by MTI and network
// code: those that move no money, so that payments are not slower for it.
var hintedAfter = map[string]bool{
	"0800001": true, "0800003": true, "0800004": true, "0820301": true, "0500201": true, "0820365": true,
	"0800361": true, "0800371": true, "0800381": true, "0800391": true, "0800395": true, "0800397": true, "0800399": true,
}

// request is the header's digit of an answer: what the terminal is to do next. One thing is
// named; of several, the terminal is sent to 0820/364.
func (s *Server) request(ctx context.Context, c *call, code string) int {
	if signOnAgain[code] || s.stale(c) {
		return iso8583.SignOnAgain
	}
	if code != codeApproved || !hintedAfter[c.message.MTI+c.f60.Network] {
		return iso8583.NothingToDo
	}
	list, err := s.wanted(ctx, c)
	if err != nil {
		s.Log.Error("cannot tell what the terminal should fetch", "mid", c.merchant.MID, "tid", c.terminal.ID, "err", err)
	}
	switch {
	case err != nil || len(list) == 0:
		return iso8583.NothingToDo
	case len(list) == 1 && requestOf[downloadOf[list[0].Network]] != 0:
		return requestOf[downloadOf[list[0].Network]]
	}
	return iso8583.AskTasks
}
