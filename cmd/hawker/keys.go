package main

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"hawker/internal/app"
	"hawker/internal/custody"
	"hawker/internal/fault"
	"hawker/internal/keys"
)

type keysCommand struct {
	List       keysList       `cmd:"" default:"withargs" help:"List keys with their check values, age, and when they are to be replaced."`
	Components keysComponents `cmd:"" help:"Draw a key and print its three sheets, two of which make it."`
	Load       keysLoad       `cmd:"" help:"Store a key whose sheets two custodians type."`
	Import     keysImport     `cmd:"" help:"Store the key of a TR-31 key block."`
	Export     keysExport     `cmd:"" help:"Give a key in a TR-31 key block."`
	Rotate     keysRotate     `cmd:"" help:"Destroy working keys: the terminal signs on before anything else."`
	Destroy    keysDestroy    `cmd:"" help:"Destroy keys for good."`
	Reinstate  keysReinstate  `cmd:"" help:"Let a terminal that was tampered with work again, once it was repaired and has a new master key."`
	Transcript keysTranscript `cmd:"" help:"Verify the transcript of all these acts, and print it."`
}

type custodyFlags struct {
	dataFlags
	hsmFlags
	Master string `help:"Master key file; master.key in the data directory unless set." placeholder:"FILE"`
}

// open does something with the keys, beside a server that may be running, and says errors in words.
func (f custodyFlags) open(ctx context.Context, do func(*custody.Keeper) error) error {
	k, closeAll, err := app.OpenCustody(ctx, app.Config{Data: f.Data, Database: f.Database, Master: f.Master, HSM: f.hsmFlags.config()})
	if err == nil {
		err = errors.Join(do(k), closeAll())
	}
	return inWords(err)
}

// inWords puts a refusal's sentences before its name and cause.
func inWords(err error) error {
	var f *fault.Fault
	if !errors.As(err, &f) {
		return err
	}
	return fmt.Errorf("%s %s (%w)", f.EN, f.ZH, err)
}

// refArgument reads a key's name.
type refArgument struct {
	Ref string `arg:"" help:"The key, as purpose/owner: tmk/MERCHANT/TERMINAL, zmk/NETWORK, zpk/NETWORK, zak/NETWORK, bdk/FLEET, kbpk/PARTNER, kbpk-tdes/PARTNER."`
}

func (a refArgument) ref() (keys.Ref, error) { return keys.ParseRef(a.Ref) }

type keysList struct{ custodyFlags }

// Run prints a table; what is overdue says so.
func (c keysList) Run(ctx context.Context) error {
	return c.open(ctx, func(k *custody.Keeper) error {
		list, err := k.Keys.List(ctx)
		if err != nil {
			return err
		}
		return printKeys(os.Stdout, list, time.Now())
	})
}

func printKeys(w io.Writer, list []keys.Info, now time.Time) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "There is no key.")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "KEY\tCHECK VALUE\tEXPORT\tMADE\tAGE\tREPLACE")
	for _, i := range list {
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", i.Ref, i.KCV, i.Exportability, i.Made.UTC().Format(time.RFC3339), age(now.Sub(i.Made)), due(i.Due().Sub(now)))
	}
	return t.Flush()
}

func due(in time.Duration) string {
	if in <= 0 {
		return "overdue " + age(-in)
	}
	return "in " + age(in)
}

// age is a duration as a person says it: hours up to two days, then days.
func age(d time.Duration) string {
	if d < 48*time.Hour {
		return fmt.Sprintf("%d h", int(d/time.Hour))
	}
	return fmt.Sprintf("%d days", int(d/(24*time.Hour)))
}

type keysComponents struct {
	custodyFlags
	refArgument
	Size       int      `help:"Length of the key in bytes: 16 or 24; of a kbpk also 32." default:"16"`
	Custodians []string `name:"custodian" help:"A custodian's name; three of them." required:"" placeholder:"NAME"`
	Out        string   `help:"Write the sheets to files of this directory, mode 0600, for a printer, instead of showing each to its custodian." placeholder:"DIR"`
}

// Run draws the key, which is nowhere afterwards but on its sheets.
func (c keysComponents) Run(ctx context.Context) error {
	return c.open(ctx, func(k *custody.Keeper) error {
		ref, err := c.ref()
		if err != nil {
			return err
		}
		if len(c.Custodians) != custody.Sheets {
			return custody.ErrPeople.With("%d custodians for %d sheets", len(c.Custodians), custody.Sheets)
		}
		sheets, err := custody.NewSheets(ref, c.Size, [custody.Sheets]string(c.Custodians))
		if err != nil {
			return err
		}
		defer func() {
			for _, s := range sheets {
				s.Wipe()
			}
		}()
		if err := k.Append(ctx, custody.Record{Act: "components", Ref: string(ref), KCV: sheets[0].KCV, People: c.Custodians,
			Detail: fmt.Sprintf("%d bytes on %d sheets, two of which make the key", c.Size, custody.Sheets)}); err != nil {
			return err
		}
		if c.Out != "" {
			return writeSheets(c.Out, sheets, time.Now())
		}
		return newPrompter(os.Stdin, os.Stdout).show(sheets, time.Now())
	})
}

// writeSheets writes one file a custodian; none may be there before.
func writeSheets(dir string, sheets [custody.Sheets]custody.Sheet, at time.Time) error {
	for _, s := range sheets {
		name := filepath.Join(dir, fmt.Sprintf("sheet-%d.txt", s.Number))
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the operator's own path
		if err != nil {
			return err
		}
		if err := errors.Join(s.Print(f, at), f.Sync(), f.Close()); err != nil {
			return err
		}
		fmt.Printf("%s is for %s. Print it for nobody else, and destroy the file.\n", name, s.Custodian)
	}
	fmt.Printf("The key's check value is %s.\n", sheets[0].KCV)
	return nil
}

type keysLoad struct {
	custodyFlags
	refArgument
	Replace bool `help:"Put the key in the place of another."`
}

// Run asks two custodians, one after the other; what they type is not shown.
func (c keysLoad) Run(ctx context.Context) error {
	return c.open(ctx, func(k *custody.Keeper) error {
		ref, err := c.ref()
		if err != nil {
			return err
		}
		kcv, err := load(ctx, k, newPrompter(os.Stdin, os.Stdout), ref, keys.Overwrite(c.Replace))
		if err == nil {
			fmt.Printf("%s is stored. Its check value is %s.\n", ref, kcv)
		}
		return err
	})
}

// load asks for two sheets and the key's check value, and stores the key.
func load(ctx context.Context, k *custody.Keeper, p *prompter, ref keys.Ref, over keys.Overwrite) (string, error) {
	var shares [2]custody.Share
	for i := range shares {
		var err error
		if shares[i], err = p.share(ref, i+1); err != nil {
			return "", err
		}
		defer shares[i].Wipe()
	}
	kcv, err := p.line("整把密钥校验值 check value of the whole key, from the sheets")
	if err != nil {
		return "", err
	}
	return k.Load(ctx, ref, over, kcv, shares[0], shares[1])
}

// people are those who answer for an act.
type people struct {
	By []string `help:"Who does this; two people." required:"" placeholder:"NAME"`
}

type keysImport struct {
	custodyFlags
	refArgument
	people
	Under   string `help:"The key block protection key: kbpk/PARTNER (version D) or kbpk-tdes/PARTNER (version B; A and C are read)." required:"" placeholder:"KEY"`
	KCV     string `name:"kcv" help:"The key's check value, as the sender says." placeholder:"HEX"`
	Replace bool   `help:"Put the key in the place of another."`
	Block   string `arg:"" optional:"" help:"The key block; read from standard input when absent."`
}

// Run imports a key block.
func (c keysImport) Run(ctx context.Context) error {
	return c.open(ctx, func(k *custody.Keeper) error {
		ref, err := c.ref()
		if err != nil {
			return err
		}
		if c.Block == "" {
			text, err := io.ReadAll(io.LimitReader(os.Stdin, 16<<10))
			if err != nil {
				return err
			}
			c.Block = string(text)
		}
		kcv, err := k.Import(ctx, ref, keys.Overwrite(c.Replace), keys.Ref(c.Under), strings.TrimSpace(c.Block), c.KCV, c.By...)
		if err == nil {
			fmt.Printf("%s is stored. Its check value is %s.\n", ref, kcv)
		}
		return err
	})
}

type keysExport struct {
	custodyFlags
	refArgument
	people
	Under         string `help:"The key block protection key: kbpk/PARTNER (version D) or kbpk-tdes/PARTNER (version B)." required:"" placeholder:"KEY"`
	Exportability string `help:"What the block lets its receiver do: E export it again, S with consent, N not." enum:"E,S,N" default:"N"`
}

// Run prints the key block on standard output and its check value on standard error.
func (c keysExport) Run(ctx context.Context) error {
	return c.open(ctx, func(k *custody.Keeper) error {
		ref, err := c.ref()
		if err != nil {
			return err
		}
		block, kcv, err := k.Export(ctx, ref, keys.Ref(c.Under), keys.Exportability(c.Exportability), c.By...)
		if err != nil {
			return err
		}
		fmt.Println(block)
		fmt.Fprintf(os.Stderr, "check value %s\n", kcv)
		return nil
	})
}

type keysRotate struct {
	custodyFlags
	Terminal string `arg:"" optional:"" help:"MERCHANT/TERMINAL." xor:"which"`
	All      bool   `help:"Every terminal." xor:"which"`
}

// Run rotates one terminal's working keys, or all.
func (c keysRotate) Run(ctx context.Context) error {
	return c.open(ctx, func(k *custody.Keeper) error {
		switch {
		case c.All:
			n, err := k.RotateAll(ctx)
			if err == nil {
				fmt.Printf("%d terminals sign on before their next payment.\n", n)
			}
			return err
		case c.Terminal != "":
			if err := k.Rotate(ctx, c.Terminal); err != nil {
				return err
			}
			fmt.Printf("%s signs on before its next payment.\n", c.Terminal)
			return nil
		}
		return errors.New("which terminal? Name it as MERCHANT/TERMINAL, or say --all")
	})
}

type keysDestroy struct {
	custodyFlags
	people
	Reason   string   `help:"Why; it goes into the transcript." required:""`
	Terminal string   `help:"All keys of this terminal, MERCHANT/TERMINAL." placeholder:"NAME"`
	Refs     []string `arg:"" optional:"" name:"key" help:"Keys, as purpose/owner."`
}

// Run destroys keys.
func (c keysDestroy) Run(ctx context.Context) error {
	return c.open(ctx, func(k *custody.Keeper) error {
		refs, err := c.refs(ctx, k)
		if err != nil {
			return err
		}
		if err := k.Destroy(ctx, c.Reason, refs, c.By...); err != nil {
			return err
		}
		fmt.Printf("%d keys are destroyed.\n", len(refs))
		return nil
	})
}

// refs are the keys to destroy; of a terminal, those that there are.
func (c keysDestroy) refs(ctx context.Context, k *custody.Keeper) (refs []keys.Ref, err error) {
	for _, text := range c.Refs {
		ref, err := keys.ParseRef(text)
		if err != nil {
			return nil, err
		}
		refs = append(refs, ref)
	}
	if c.Terminal != "" {
		for _, ref := range keys.Terminal(c.Terminal) {
			if _, err := k.Keys.KCV(ctx, ref); err == nil {
				refs = append(refs, ref)
			} else if !errors.Is(err, keys.ErrNoKey) {
				return nil, err
			}
		}
	}
	if len(refs) == 0 {
		return nil, keys.ErrNoKey.With("nothing to destroy")
	}
	return refs, nil
}

type keysReinstate struct {
	custodyFlags
	people
	Terminal string `arg:"" help:"MERCHANT/TERMINAL."`
	Reason   string `help:"What was done; it goes into the transcript." required:""`
}

// Run reinstates a terminal.
func (c keysReinstate) Run(ctx context.Context) error {
	return c.open(ctx, func(k *custody.Keeper) error {
		if err := k.Reinstate(ctx, c.Terminal, c.Reason, c.By...); err != nil {
			return err
		}
		fmt.Printf("%s may sign on.\n", c.Terminal)
		return nil
	})
}

type keysTranscript struct {
	custodyFlags
	Trust []string `help:"Another node's transcript.pub, whose records count too." placeholder:"FILE"`
	JSON  bool     `name:"json" help:"Print records as JSON lines."`
}

// Run prints the records as far as they verify, and fails where they do not.
func (c keysTranscript) Run(ctx context.Context) error {
	return c.open(ctx, func(k *custody.Keeper) error {
		var trusted []ed25519.PublicKey
		for _, file := range c.Trust {
			public, err := custody.ReadPublic(file)
			if err != nil {
				return err
			}
			trusted = append(trusted, public)
		}
		return printTranscript(ctx, os.Stdout, k, trusted, c.JSON)
	})
}

func printTranscript(ctx context.Context, w io.Writer, k *custody.Keeper, trusted []ed25519.PublicKey, asJSON bool) error {
	head, err := k.Transcript(ctx, trusted, func(r custody.Record) error {
		if asJSON {
			return json.NewEncoder(w).Encode(r)
		}
		_, err := fmt.Fprintf(w, "%4d  %s  %-10s  %s  %s  %s  %s\n", r.Seq, r.At.Format(time.RFC3339), r.Act, r.Ref, r.KCV, strings.Join(r.People, " & "), r.Detail)
		return err
	})
	if err != nil || asJSON {
		return err
	}
	_, err = fmt.Fprintf(w, "%d records; every one is chained and signed. The last is %s. Write it down: who has it notices when records are cut off.\n", head.Seq, head.Hash)
	return err
}
