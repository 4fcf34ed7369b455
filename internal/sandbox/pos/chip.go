package pos

import (
	"crypto/rand"
	"encoding/hex"
	"time"

	"hawker/internal/iso8583"
)

// chipData is field 55 of an online request in the order that UnionPay lists
// the tags. Everything has the right form; the application cryptogram (9F26) is
// random, because these test cards have no chip that could make one.
func chipData(m *iso8583.Message, now time.Time) []byte {
	amount, kind := m.Text(4), m.Text(3)[:2]
	if amount == "" {
		amount = "000000000000" // a balance inquiry
	}
	cvm := "1E0300" // signature
	if m.Text(22)[2:] == withPIN {
		cvm = "420300" // enciphered PIN, verified online
	}
	var random [12]byte
	_, _ = rand.Read(random[:]) // never fails: crypto/rand ends the process instead
	var b []byte
	for _, e := range [...][2]string{
		{"9F26", hex.EncodeToString(random[:8])},   // application cryptogram
		{"9F27", "80"},                             // it is an ARQC
		{"9F10", "07010103A0A802010A010000000000"}, // issuer application data
		{"9F37", hex.EncodeToString(random[8:])},   // unpredictable number
		{"9F36", m.Text(11)[2:]},                   // application transaction counter
		{"95", "0000000000"},                       // terminal verification results
		{"9A", now.Format("060102")},               // date
		{"9C", kind},                               // transaction type
		{"9F02", amount},
		{"5F2A", "0156"}, // currency
		{"82", "7C00"},   // application interchange profile
		{"9F1A", "0156"}, // country
		{"9F03", "000000000000"},
		{"9F33", "E0F8C8"}, // terminal capabilities
		{"9F34", cvm},
		{"9F35", "22"},                            // terminal type: attended, online with offline capability
		{"9F1E", hex.EncodeToString(m.Bytes(41))}, // serial number
		{"84", "A000000333010101"},                // application: UnionPay debit
		{"9F09", "0030"},                          // application version
		{"9F41", "00" + m.Text(11)},               // transaction counter
	} {
		b = appendTLV(b, e[0], e[1])
	}
	return b
}

// appendTLV writes one element; tag and value are hexadecimal and shorter than 128 bytes.
func appendTLV(b []byte, tag, value string) []byte {
	b, _ = hex.AppendDecode(b, []byte(tag))
	b = append(b, byte(len(value)/2)) //nolint:gosec // shorter than 128
	b, _ = hex.AppendDecode(b, []byte(value))
	return b
}
