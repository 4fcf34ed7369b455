package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"

	"hawker/internal/custody"
	"hawker/internal/keys"
)

// prompter asks people. On a terminal, secrets are typed unseen; from a pipe they are lines as others.
type prompter struct {
	in       *bufio.Reader
	out      io.Writer
	terminal *os.File // nil when there is none
}

func newPrompter(in *os.File, out io.Writer) *prompter {
	p := &prompter{in: bufio.NewReader(in), out: out}
	if term.IsTerminal(int(in.Fd())) {
		p.terminal = in
	}
	return p
}

func (p *prompter) line(prompt string) (string, error) {
	_, _ = fmt.Fprintf(p.out, "%s: ", prompt)
	text, err := p.in.ReadString('\n')
	if text = strings.TrimSpace(text); err != nil && (text == "" || !errors.Is(err, io.EOF)) {
		return "", fmt.Errorf("nobody answers: %w", err)
	}
	return text, nil
}

// secret is line without echo.
func (p *prompter) secret(prompt string) (string, error) {
	if p.terminal == nil {
		return p.line(prompt)
	}
	_, _ = fmt.Fprintf(p.out, "%s: ", prompt)
	text, err := term.ReadPassword(int(p.terminal.Fd()))
	_, _ = fmt.Fprintln(p.out)
	defer clear(text)
	return strings.TrimSpace(string(text)), err
}

// tries bounds how often a custodian may mistype a component.
const tries = 3

// share asks one custodian for a sheet. A component that does not match its check
// value is asked again.
func (p *prompter) share(ref keys.Ref, number int) (s custody.Share, err error) {
	_, _ = fmt.Fprintf(p.out, "\n保管人 Custodian %d of 2 — 他人请回避 nobody else looks\n", number)
	if s.Custodian, err = p.line("姓名 name"); err != nil {
		return s, err
	}
	text, err := p.line("单号 number of the sheet, 1 to 3")
	if err != nil {
		return s, err
	}
	s.Sheet, _ = strconv.Atoi(text) // what is no number is no sheet
	first, second, err := custody.Letters(s.Sheet)
	if err != nil {
		return s, err
	}
	for i, letter := range []string{first, second} {
		if s.Parts[i], err = p.component(ref, letter); err != nil {
			return s, err
		}
	}
	return s, nil
}

func (p *prompter) component(ref keys.Ref, letter string) (c keys.Component, err error) {
	for range tries {
		text, err := p.secret(fmt.Sprintf("分量 component %s (不显示 not shown)", letter))
		if err != nil {
			return c, err
		}
		kcv, err := p.line(fmt.Sprintf("分量校验值 check value of %s", letter))
		if err != nil {
			return c, err
		}
		c, err = keys.NewComponentOf(ref, text, kcv)
		if err == nil {
			return c, nil
		}
		_, _ = fmt.Fprintln(p.out, keys.ErrComponent.ZH, keys.ErrComponent.EN)
	}
	return c, keys.ErrComponent.With("component %s was mistyped %d times", letter, tries)
}

// show lets each custodian see their sheet, and nobody else's.
func (p *prompter) show(sheets [custody.Sheets]custody.Sheet, at time.Time) error {
	const clearScreen = "\x1b[H\x1b[2J\x1b[3J" // and what scrolled away
	for _, s := range sheets {
		if _, err := p.line(fmt.Sprintf("\n%s：他人请回避，按回车显示第 %d 张 — nobody else looks; Enter shows sheet %d", s.Custodian, s.Number, s.Number)); err != nil {
			return err
		}
		if err := s.Print(p.out, at); err != nil {
			return err
		}
		if _, err := p.line("\n抄写核对后按回车清屏 Enter, once it is written down and checked, clears the screen"); err != nil {
			return err
		}
		if _, err := io.WriteString(p.out, clearScreen); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(p.out, "整把密钥校验值 The key's check value is %s.\n", sheets[0].KCV)
	return err
}
