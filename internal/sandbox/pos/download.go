package pos

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"hawker/internal/emv"
	"hawker/internal/iso8583"
)

// loads are the downloads that the terminal has, or is in the middle of, by the network
// code that begins them. They survive a power cut, so that what was fetched is not fetched again.
type loads struct {
	Whole map[string][]loaded `json:"whole,omitempty"`
	Begun map[string]begun    `json:"begun,omitempty"`
}

// begun is a download that has not ended.
type begun struct {
	Rows   []loaded `json:"rows"`
	Listed bool     `json:"listed"` // the list is complete; bodies may be missing
}

// loaded is one row as it came.
type loaded struct {
	Head []byte `json:"head"`
	Body []byte `json:"body,omitempty"`
}

func (l loads) clone() loads { return loads{maps.Clone(l.Whole), maps.Clone(l.Begun)} }

func (l loads) valid() bool {
	for code := range l.Whole {
		if _, known := fetches[code]; !known {
			return false
		}
	}
	_, err := iso8583.ParseParameters(l.parameters())
	return err == nil
}

// parameters is field 62 as it came; nil when none did.
func (l loads) parameters() []byte {
	if rows := l.Whole["360"]; len(rows) > 0 {
		return rows[0].Body
	}
	return nil
}

// fetch is how one download goes, as the protocol's page tells it.
type fetch struct {
	mti  string // of the list
	body string // network code of the bodies, "" for none
	end  string
	name Words
}

var fetches = map[string]fetch{
	"360": {"0800", "", "361", Words{"终端参数", "parameters"}},
	"372": {"0820", "370", "371", Words{"公钥", "CA public keys"}},
	"382": {"0820", "380", "381", Words{"AID 参数", "AIDs"}},
	"390": {"0800", "", "391", Words{"黑名单", "blacklist"}},
	"394": {"0800", "", "395", Words{"非接参数", "contactless parameters"}},
	"396": {"0800", "", "397", Words{"BIN 表B", "BIN table B"}},
	"398": {"0800", "", "399", Words{"BIN 表C", "BIN table C"}},
}

// hints is what each digit of a header asks for.
var hints = map[int][]string{
	iso8583.FetchParameters: {"360"}, iso8583.FetchCAPKs: {"372"}, iso8583.FetchAIDs: {"382", "394"}, iso8583.FetchLists: {"390", "396", "398"},
}

// Fetch asks the host what it wants and does it: downloads go on where they were interrupted.
func (t *Terminal) Fetch(ctx context.Context) (Result, error) {
	return t.run(func(s *session) (Result, error) {
		if err := s.ensureSignedOn(ctx); err != nil { // an upload among the tasks has a MAC
			return Result{}, err
		}
		a, err := s.tasks(ctx)
		if err != nil {
			return Result{}, err
		}
		return s.state.manage(Fetch, a, s.now()), nil
	})
}

// Report uploads how the terminal is. That it was opened is for Tamper to tell.
func (t *Terminal) Report(ctx context.Context, st iso8583.Status62) (Result, error) {
	return t.run(func(s *session) (Result, error) {
		f62, err := st.Build()
		if err != nil {
			return Result{}, ErrStatus.because(err)
		}
		if err := s.ensureSignedOn(ctx); err != nil {
			return Result{}, err
		}
		a, err := s.message(ctx, "0820", "362", []byte(f62), true)
		if err != nil {
			return Result{}, err
		}
		return s.state.manage(StatusReport, a, s.now()), nil
	})
}

// rounds bounds how often one operation follows a hint: a host that always has one more
// must not keep the terminal from its work.
const rounds = 8

// obey does what the host's last answers asked for. What fails is noted, not returned: the
// operation that it follows is done, and the host asks again.
func (s *session) obey(ctx context.Context) {
	for range rounds {
		hint := s.hint
		s.hint = iso8583.NothingToDo
		var err error
		switch codes := hints[hint]; {
		case hint == iso8583.AskTasks:
			_, err = s.tasks(ctx)
		case len(codes) > 0:
			err = s.download(ctx, codes...)
		default:
			return
		}
		if err != nil {
			s.think("what the host asked for: %v", err)
			s.note("下载没有完成，下次接着下载", "The download is not complete; it goes on next time")
			return
		}
	}
}

// tasks asks what is wanted, does it, and says that it is done.
func (s *session) tasks(ctx context.Context) (*answer, error) {
	a, err := s.message(ctx, "0820", "364", nil, false)
	if err != nil || a.code() != approvedCode {
		return a, err
	}
	list, err := iso8583.ParseTasks(a.Bytes(62))
	if err != nil {
		return nil, ErrAnswer.because(err)
	}
	for _, task := range list {
		if task.Network == shapes[Sign].network {
			if err := s.sendMissing(ctx, task); err != nil {
				return nil, err
			}
			continue
		}
		if _, known := fetches[task.Network]; !known {
			s.think("the host wants %s, which this terminal does not know", task.Network)
			continue
		}
		if err := s.download(ctx, task.Network); err != nil {
			return nil, err
		}
	}
	a, err = s.message(ctx, "0820", "365", nil, false)
	if s.hint == iso8583.AskTasks {
		s.hint = iso8583.NothingToDo // what is still wanted, this terminal cannot do now
	}
	return a, err
}

// download fetches lists by their first network codes, each from where it stands to its end.
func (s *session) download(ctx context.Context, codes ...string) error {
	for _, code := range codes {
		err := s.load(ctx, code)
		var refused *refusedLoad
		if errors.As(err, &refused) && refused.code == "12" && s.dropBegun(code) == nil {
			err = s.load(ctx, code) // the host has forgotten it: from the first page
		}
		if err != nil {
			return fmt.Errorf("fetch %s: %w", fetches[code].name.EN, err)
		}
	}
	return nil
}

func (s *session) dropBegun(code string) error {
	return s.commit(func(st *state) { delete(st.Loads.Begun, code) })
}

// refusedLoad is a download that the host refused.
type refusedLoad struct{ code string }

// Error has the response code.
func (r *refusedLoad) Error() string { return "the host refuses with " + r.code }

func (s *session) load(ctx context.Context, code string) error {
	how := fetches[code]
	for list := s.state.Loads.Begun[code]; !list.Listed; list = s.state.Loads.Begun[code] {
		more, rows, err := s.rows(ctx, code, len(list.Rows))
		if err != nil {
			return err
		}
		if more == iso8583.PageNone && len(list.Rows) == 0 {
			_, err := s.message(ctx, "0800", how.end, nil, false) // the list may be empty by now; a host without one refuses, and that is well
			if err != nil {
				return err
			}
			return s.ended(code, nil)
		}
		if len(list.Rows)+len(rows) > iso8583.MaxRows {
			return ErrAnswer.because(errors.New("the list has no end"))
		}
		next := begun{Rows: append(slices.Clone(list.Rows), rows...), Listed: more != iso8583.PageMore}
		if err := s.begin(code, next); err != nil {
			return err
		}
	}
	for i, row := range s.state.Loads.Begun[code].Rows {
		if how.body == "" || len(row.Body) > 0 {
			continue
		}
		body, err := s.body(ctx, how.body, row.Head)
		if err != nil {
			return err
		}
		list := s.state.Loads.Begun[code]
		list.Rows = slices.Clone(list.Rows)
		list.Rows[i].Body = body
		if err := s.begin(code, list); err != nil {
			return err
		}
	}
	a, err := s.message(ctx, "0800", how.end, nil, false)
	if err == nil && a.code() != approvedCode {
		err = &refusedLoad{a.code()}
	}
	if err != nil {
		return err
	}
	s.note("已下载"+how.name.ZH, "Fetched "+how.name.EN)
	return s.ended(code, s.state.Loads.Begun[code].Rows)
}

func (s *session) begin(code string, list begun) error {
	return s.commit(func(st *state) {
		if st.Loads.Begun == nil {
			st.Loads.Begun = map[string]begun{}
		}
		st.Loads.Begun[code] = list
	})
}

// ended puts a whole download in force.
func (s *session) ended(code string, rows []loaded) error {
	return s.commit(func(st *state) {
		if st.Loads.Whole == nil {
			st.Loads.Whole = map[string][]loaded{}
		}
		st.Loads.Whole[code] = rows
		delete(st.Loads.Begun, code)
	})
}

// rows asks for the next rows of a list.
func (s *session) rows(ctx context.Context, code string, have int) (iso8583.More, []loaded, error) {
	f62 := iso8583.BuildReceived(have)
	if code == "360" {
		f62 = nil // parameters come at once
	}
	a, err := s.message(ctx, fetches[code].mti, code, f62, false)
	if err != nil {
		return 0, nil, err
	}
	if a.code() != approvedCode {
		return 0, nil, &refusedLoad{a.code()}
	}
	more, rows, err := readRows(code, a.Bytes(62))
	if err != nil {
		return 0, nil, ErrAnswer.because(err)
	}
	return more, rows, nil
}

// readRows reads the answer to a list request, and judges what the terminal will rely upon.
func readRows(code string, f62 []byte) (more iso8583.More, rows []loaded, err error) {
	switch {
	case code == "360":
		_, err := iso8583.ParseParameters(f62)
		return iso8583.PageComplete, []loaded{{Head: []byte("parameters"), Body: slices.Clone(f62)}}, err
	case fetches[code].body != "":
		more, data, err := iso8583.ParseTLVPage(f62)
		if err != nil {
			return 0, nil, err
		}
		rows, err := splitRows(data)
		return more, rows, err
	}
	page, err := iso8583.ParsePage(f62)
	for _, row := range page.Rows {
		if code != "394" && err == nil {
			_, err = iso8583.ParseBIN(row)
		}
		rows = append(rows, loaded{Head: row})
	}
	return page.More, rows, err
}

// splitRows cuts data objects before each 9F06.
func splitRows(data []byte) (rows []loaded, err error) {
	tlv, err := emv.Parse(data)
	if err != nil {
		return nil, err
	}
	var row []emv.Element
	cut := func() error {
		if len(row) == 0 {
			return nil
		}
		t, err := emv.New(row...)
		rows, row = append(rows, loaded{Head: t.Bytes()}), nil
		return err
	}
	for _, e := range tlv.Elements() {
		if e.Tag == tagAID {
			if err := cut(); err != nil {
				return nil, err
			}
		} else if len(row) == 0 {
			return nil, errors.New("a row does not begin with 9F06")
		}
		row = append(row, e)
	}
	return rows, cut()
}

const (
	tagAID   emv.Tag = 0x9F06
	tagIndex emv.Tag = 0x9F22
)

// body fetches what one row holds: its request names the row by 9F06 and 9F22.
func (s *session) body(ctx context.Context, network string, head []byte) ([]byte, error) {
	row, err := emv.Parse(head)
	if err != nil {
		return nil, err
	}
	a, err := s.message(ctx, "0800", network, row.Only(tagAID, tagIndex).Bytes(), false)
	if err != nil {
		return nil, err
	}
	f62 := a.Bytes(62)
	if a.code() != approvedCode || len(f62) < 2 || f62[0] != '1' {
		return nil, &refusedLoad{a.code()}
	}
	if _, err := emv.Parse(f62[1:]); err != nil {
		return nil, ErrAnswer.because(err)
	}
	return slices.Clone(f62[1:]), nil
}

// message sends a management message with its own network code, and field 62 unless nil.
func (s *session) message(ctx context.Context, mti, network string, f62 []byte, withMAC bool) (*answer, error) {
	m := iso8583.New(mti).Set(11, six(s.state.Trace)).Set(41, s.state.Shop.TerminalID).Set(42, s.state.Shop.MerchantID).Set(60, "00"+six(s.state.Batch)+network)
	if f62 != nil {
		m.SetBytes(62, f62)
	}
	k := Fetch
	if withMAC {
		k = StatusReport
	}
	a, err := s.send(ctx, k, m, nil)
	if errors.Is(err, errSilent) {
		return nil, ErrNoAnswer.because(err)
	}
	return a, err
}
