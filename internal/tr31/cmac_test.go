package tr31

import (
	"crypto/aes"
	"encoding/hex"
	"strings"
	"testing"
)

// TestCMAC holds cmac against RFC 4493, section 4.
func TestCMAC(t *testing.T) {
	t.Parallel()
	unhex := func(text string) []byte {
		b, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	c, err := aes.NewCipher(unhex("2b7e151628aed2a6abf7158809cf4f3c"))
	if err != nil {
		t.Fatal(err)
	}
	const message = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
	for size, want := range map[int]string{
		0: "bb1d6929e95937287fa37d129b756746", 16: "070a16b46b4d4144f79bdd9dd04a287c",
		40: "dfa66747de9ae63030ca32611497c827", 64: "51f0bebf7e3b9d92fc49741779363cfe",
	} {
		if got := hex.EncodeToString(cmac(c, unhex(message)[:size])); got != want {
			t.Errorf("%d bytes: %s", size, got)
		}
	}
}

// TestCheckValue: the CMAC of a zero block is the encipherment of the first subkey,
// which RFC 4493 gives.
func TestCheckValue(t *testing.T) {
	t.Parallel()
	raw, err := hex.DecodeString("2b7e151628aed2a6abf7158809cf4f3c")
	if err != nil {
		t.Fatal(err)
	}
	subkey, err := hex.DecodeString("fbeed618357133667c85e08f7236a8de")
	if err != nil {
		t.Fatal(err)
	}
	k, err := NewAES(raw)
	if err != nil {
		t.Fatal(err)
	}
	want, err := k.Encrypt(subkey)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := CheckValue(k); err != nil || !strings.HasPrefix(string(want), string(got)) || len(got) != 5 {
		t.Fatalf("%X %v", got, err)
	}
}
