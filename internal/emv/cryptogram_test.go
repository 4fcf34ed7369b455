package emv

import (
	"errors"
	"fmt"
	"testing"
)

// The published vector of a version 10 cryptogram.
const (
	issuerKey = "0123456789ABCDEFFEDCBA9876543210"
	cardKey   = "154F349D8585CB7F6B0798E9839B10C1"
	field55   = "9F0206 000000004000 9F0306 000000000000 9F1A02 0124 9505 8000048000 5F2A02 0124 9A03 191105 9C01 01" +
		" 9F3704 52BF4585 8202 1800 9F3602 001C 9F1007 06010A03A06010"
)

func TestMasterKeyVector(t *testing.T) {
	got, err := MasterKey(unhex(t, issuerKey), "1234567890123456", 0)
	if err != nil || fmt.Sprintf("%X", got) != cardKey {
		t.Fatalf("%X, %v", got, err)
	}
}

func TestMasterKeyTakesTheRightmostDigits(t *testing.T) {
	long, err := MasterKey(unhex(t, issuerKey), "9991234567890123456", 0)
	if err != nil || fmt.Sprintf("%X", long) != cardKey {
		t.Errorf("a number of 19 digits: %X, %v", long, err)
	}
	short, err := MasterKey(unhex(t, issuerKey), "123456789012", 1)
	padded, err2 := MasterKey(unhex(t, issuerKey), "00123456789012", 1)
	if err != nil || err2 != nil || fmt.Sprint(short) != fmt.Sprint(padded) {
		t.Error("a short number is not padded with zeros on its left", err, err2)
	}
}

func TestCryptogramVectors(t *testing.T) {
	data, err := RequestData(parse(t, field55))
	if err != nil {
		t.Fatal(err)
	}
	arqc, err := ARQC(unhex(t, cardKey), data)
	if err != nil || fmt.Sprintf("%X", arqc) != "29CCA15AE665FA2E" {
		t.Fatalf("ARQC %X, %v", arqc, err)
	}
	arpc, err := ARPC(unhex(t, cardKey), arqc, "00")
	if err != nil || fmt.Sprintf("%X", arpc) != "28993816AFAE4AEB" {
		t.Fatalf("ARPC %X, %v", arpc, err)
	}
	if ok, err := VerifyARQC(unhex(t, cardKey), data, arqc); !ok || err != nil {
		t.Fatal(err)
	}
	data[5]++ // another amount
	if ok, err := VerifyARQC(unhex(t, cardKey), data, arqc); ok || err != nil {
		t.Fatal("another amount verifies", err)
	}
}

func TestCryptogramsRefuse(t *testing.T) {
	key := unhex(t, cardKey)
	for name, err := range map[string]error{
		"a short issuer key":       second(MasterKey(key[:8], "1234567890123456", 0)),
		"a number of 11 digits":    second(MasterKey(key, "12345678901", 0)),
		"a number with a letter":   second(MasterKey(key, "123456789012345A", 0)),
		"a sequence number of 100": second(MasterKey(key, "1234567890123456", 100)),
		"a negative one":           second(MasterKey(key, "1234567890123456", -1)),
		"a short card key":         second(ARQC(key[:8], key)),
		"no data":                  second(ARQC(key, nil)),
		"a short cryptogram":       second(ARPC(key, key[:4], "00")),
		"a long response code":     second(ARPC(key, key[:8], "000")),
		"no field 55":              second(RequestData(TLV{})),
		"an amount of five bytes":  second(RequestData(parse(t, "9F0205 0000004000"))),
		"another version":          second(RequestData(parse(t, field55[:len(field55)-14]+"06011203A06010"))),
	} {
		if !errors.Is(err, ErrCryptogram) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second(_ []byte, err error) error { return err }

func FuzzRequestData(f *testing.F) {
	f.Add(unhex(f, field55))
	f.Fuzz(func(t *testing.T, b []byte) {
		tlv, err := Parse(b)
		if err != nil {
			return
		}
		if data, err := RequestData(tlv); err == nil && len(data) != 37 {
			t.Fatal(len(data))
		}
	})
}
