package wallet

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"hawker/internal/card"
)

// Accounts is what a merchant and the wallets agreed on: numbers and keys of both
// sides. Real wallets never give their private keys away; these are for tests.
// Keys are PEM, PKCS 8 or PKIX.
type Accounts struct {
	WeChat struct {
		AppID, MchID string
		Subs         []string    // sub-merchants of MchID as a service provider
		Serial       string      // of the merchant's certificate
		MerchantKey  card.Secret // the merchant's private key
		APIv3Key     card.Secret // 32 bytes
		PlatformKey  card.Secret // WeChat's private key
		PublicKeyID  string      // under which the merchant has WeChat's public key: PUB_KEY_ID_…
	}
	Alipay struct {
		AppID, SellerID string
		MerchantKey     card.Secret
		PlatformKey     card.Secret
	}
}

// NewAccounts draws keys for one merchant.
func NewAccounts() (*Accounts, error) {
	a := &Accounts{}
	a.WeChat.AppID, a.WeChat.MchID, a.WeChat.Subs = "wx0000000000000001", "1900000001", []string{"1900000101", "1900000102"}
	a.Alipay.AppID, a.Alipay.SellerID = "2021000000000001", "2088000000000001"
	for _, key := range []*card.Secret{&a.WeChat.MerchantKey, &a.WeChat.PlatformKey, &a.Alipay.MerchantKey, &a.Alipay.PlatformKey} {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return nil, err
		}
		der, err := x509.MarshalPKCS8PrivateKey(k)
		if err != nil {
			return nil, err
		}
		*key = card.NewSecret(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	}
	a.WeChat.APIv3Key = card.NewSecret([]byte(rand.Text() + rand.Text())[:32])
	a.WeChat.Serial, a.WeChat.PublicKeyID = serial(), "PUB_KEY_ID_0"+strings.Repeat("0", 21)+"1"
	return a, nil
}

// serial draws a certificate's serial number: 20 bytes as upper-case hex.
func serial() string {
	b := make([]byte, 20)
	_, _ = rand.Read(b) // never fails
	b[0] = b[0]&0x7F | 0x40
	return strings.ToUpper(hex.EncodeToString(b))
}

// WeChatPublicKey is the key that WeChat's signatures verify with, as PEM.
func (a *Accounts) WeChatPublicKey() (string, error) { return publicPEM(a.WeChat.PlatformKey) }

// AlipayPublicKey is the key that Alipay's signatures verify with, as PEM.
func (a *Accounts) AlipayPublicKey() (string, error) { return publicPEM(a.Alipay.PlatformKey) }

func publicPEM(private card.Secret) (string, error) {
	k, err := privateKey(private)
	if err != nil {
		return "", err
	}
	der, err := x509.MarshalPKIXPublicKey(&k.PublicKey)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), nil
}

func privateKey(s card.Secret) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode(s.Reveal())
	if block == nil {
		return nil, errors.New("a private key is not PEM")
	}
	k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("a private key is not PKCS 8") // the cause might repeat the key
	}
	if k, ok := k.(*rsa.PrivateKey); ok {
		return k, nil
	}
	return nil, errors.New("a private key is not RSA")
}

// keys are the accounts' keys, read.
type keys struct {
	weChat, aliPay                 *rsa.PrivateKey
	weChatMerchant, aliPayMerchant *rsa.PublicKey
	certificate                    string // of weChat, PEM
	serial                         string // of certificate
	from, until                    time.Time
}

func (a *Accounts) open() (k keys, err error) {
	if n := len(a.WeChat.APIv3Key.Reveal()); n != 32 {
		return k, fmt.Errorf("the API v3 key has %d bytes, not 32", n)
	}
	if k.weChat, err = privateKey(a.WeChat.PlatformKey); err != nil {
		return k, err
	}
	if k.aliPay, err = privateKey(a.Alipay.PlatformKey); err != nil {
		return k, err
	}
	for to, from := range map[**rsa.PublicKey]card.Secret{&k.weChatMerchant: a.WeChat.MerchantKey, &k.aliPayMerchant: a.Alipay.MerchantKey} {
		private, err := privateKey(from)
		if err != nil {
			return k, err
		}
		*to = &private.PublicKey
	}
	k.from = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	k.until = k.from.AddDate(50, 0, 0)
	number := new(big.Int).SetBytes([]byte(a.WeChat.PublicKeyID[:min(16, len(a.WeChat.PublicKeyID))]))
	k.serial = strings.ToUpper(number.Text(16))
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: number, Subject: pkix.Name{CommonName: "simulated wallet"}, NotBefore: k.from, NotAfter: k.until,
		KeyUsage: x509.KeyUsageDigitalSignature,
	}, &x509.Certificate{SerialNumber: number, Subject: pkix.Name{CommonName: "simulated wallet"}}, &k.weChat.PublicKey, k.weChat)
	k.certificate = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return k, err
}
