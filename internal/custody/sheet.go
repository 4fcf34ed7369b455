package custody

import (
	"fmt"
	"io"
	"strings"
	"time"

	"hawker/internal/keys"
)

// A key is the XOR of three components A, B and C. Each sheet holds two of them:
// any two sheets hold all three, and one lacks a component, without which it tells
// nothing about the key.
var letters = [4]string{1: "AB", 2: "BC", 3: "CA"}

// Sheets is how many a key has.
const Sheets = 3

// Sheet is what one custodian keeps of a key. It prints masked; Print is for its
// custodian's eyes.
type Sheet struct {
	Number    int // 1 to 3
	Custodian string
	Ref       keys.Ref
	KCV       string // of the whole key
	parts     [2]keys.Component
}

// NewSheets draws a key of size bytes for ref and its three sheets, for three
// custodians with names that differ. The key is nowhere: two of the sheets make it.
func NewSheets(ref keys.Ref, size int, custodians [Sheets]string) (sheets [Sheets]Sheet, err error) {
	for i := range custodians {
		if _, err := people(custodians[i], custodians[(i+1)%Sheets]); err != nil {
			return sheets, err
		}
	}
	parts, kcv, err := keys.NewComponents(ref, size, Sheets)
	if err != nil {
		return sheets, err
	}
	for i := range sheets {
		sheets[i] = Sheet{Number: i + 1, Custodian: custodians[i], Ref: ref, KCV: kcv, parts: [2]keys.Component{parts[i], parts[(i+1)%Sheets]}}
	}
	return sheets, nil
}

// Print writes the sheet in clear, in groups of four digits.
func (s Sheet) Print(w io.Writer, at time.Time) error {
	text := fmt.Sprintf("密钥分量单 KEY SHEET %d / %d\n\n密钥 key          %s\n保管人 custodian  %s\n日期 date         %s\n\n", s.Number, Sheets, s.Ref, s.Custodian, at.Format("2006-01-02 15:04 MST"))
	for i, c := range s.parts {
		text += fmt.Sprintf("%c  %s\n   校验值 check value  %s\n\n", letters[s.Number][i], groups(c.Reveal()), groups(c.KCV()))
	}
	text += fmt.Sprintf("整把密钥校验值 the key's check value  %s\n\n"+
		"任意两张单子可以合成密钥；单独一张什么也看不出来。请装入防拆信封，分开保管，不要拍照或复印。\n"+
		"Any two sheets make the key; one alone tells nothing. Seal it in a tamper-evident envelope, keep it apart, and copy it nowhere.\n", groups(s.KCV))
	_, err := io.WriteString(w, text)
	return err
}

// Format hides the sheet for every verb.
func (s Sheet) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "[sheet %d of %s]", s.Number, s.Ref)
}

// Wipe overwrites the sheet's components, which its neighbours share.
func (s Sheet) Wipe() {
	for _, c := range s.parts {
		c.Wipe()
	}
}

// groups puts a blank after every four digits.
func groups(digits string) string {
	var parts []string
	for ; len(digits) > 4; digits = digits[4:] {
		parts = append(parts, digits[:4])
	}
	return strings.Join(append(parts, digits), " ")
}

// Share is a sheet as its custodian typed it, each part checked by its check value.
type Share struct {
	Custodian string
	Sheet     int // 1 to 3
	Parts     [2]keys.Component
}

// Wipe overwrites what was typed.
func (s Share) Wipe() {
	for _, c := range s.Parts {
		c.Wipe()
	}
}

// Letters names the two parts of a sheet in their order; ErrSheet for a sheet that there is not.
func Letters(sheet int) (first, second string, err error) {
	if sheet < 1 || sheet > Sheets {
		return "", "", ErrSheet.With("sheet %d, want 1 to %d", sheet, Sheets)
	}
	return letters[sheet][:1], letters[sheet][1:], nil
}

// combine gives the three components that two different sheets hold. The one they
// share must be the same on both.
func combine(one, two Share) ([]keys.Component, error) {
	byLetter := map[byte]keys.Component{}
	for _, s := range []Share{one, two} {
		if _, _, err := Letters(s.Sheet); err != nil {
			return nil, err
		}
		for i, c := range s.Parts {
			letter := letters[s.Sheet][i]
			if old, ok := byLetter[letter]; ok && !old.Equal(c) {
				return nil, ErrSheet.With("component %c differs between the sheets", letter)
			}
			byLetter[letter] = c
		}
	}
	if len(byLetter) != Sheets {
		return nil, ErrSheet.With("sheet %d twice", one.Sheet)
	}
	return []keys.Component{byLetter['A'], byLetter['B'], byLetter['C']}, nil
}
