package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"hawker/internal/dukpt"
	"hawker/internal/iso8583"
	"hawker/internal/sandbox/pos"
	"hawker/internal/tdes"
)

type isoCommand struct {
	Explain isoExplain `cmd:"" help:"Show a message field by field, card data masked; of a bad one, what is wrong and where."`
	Build   isoBuild   `cmd:"" help:"Make a message of fields, with a MAC under a test key, and print it in hexadecimal."`
	Send    isoSend    `cmd:"" help:"Send a frame to an address and show the answer field by field."`
}

// profileFlag names a dialect.
type profileFlag struct {
	Profile string `help:"Host profile; the one that fits unless given." placeholder:"NAME"`
}

// find gives the profile; nil where none is named.
func (f profileFlag) find() (*iso8583.Profile, error) {
	if f.Profile == "" {
		return nil, nil
	}
	p, ok := iso8583.ByName(f.Profile)
	if !ok {
		return nil, fmt.Errorf("no profile %q; there are %s", f.Profile, strings.Join(iso8583.Names(), ", "))
	}
	return p, nil
}

// explain prints raw; a malformed message is an error after what could be read of it.
func (f profileFlag) explain(out io.Writer, raw []byte) error {
	p, err := f.find()
	if err != nil {
		return err
	}
	e := iso8583.Explain
	if p != nil {
		e = p.Explain
	}
	shown := e(raw)
	if p == nil {
		_, _ = fmt.Fprintln(out, "profile", shown.Profile)
	}
	if _, err := shown.WriteTo(out); err != nil {
		return err
	}
	if shown.Err != nil {
		return shown.Err
	}
	return nil
}

// longestText bounds what is read from standard input.
const longestText = 64 << 10

// given is text itself, or standard input for "-".
func given(text string) (string, error) {
	if text != "-" {
		return text, nil
	}
	b, err := io.ReadAll(io.LimitReader(os.Stdin, longestText))
	return string(b), err
}

// unhex reads hexadecimal digits with any blanks. Its error does not repeat them: they may hold card data.
func unhex(text string) ([]byte, error) {
	text, err := given(text)
	if err != nil {
		return nil, err
	}
	raw, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return nil, errors.New("that is no hexadecimal text")
	}
	return raw, nil
}

type isoExplain struct {
	profileFlag
	Hex string `arg:"" help:"The message, or a whole frame, in hexadecimal; - reads standard input."`
}

// Run prints the explanation; a malformed message exits with 1 after what could be read of it.
func (c isoExplain) Run() error {
	raw, err := unhex(c.Hex)
	if err != nil {
		return err
	}
	return c.explain(os.Stdout, raw)
}

type isoBuild struct {
	Profile string   `help:"Host profile." default:"unionpay-pos"`
	JSON    string   `name:"json" help:"Read MTI and fields from a JSON file, {\"mti\":\"0800\",\"11\":\"000001\"}; - reads standard input." placeholder:"FILE"`
	Key     string   `help:"Test key of the MAC in hexadecimal: the TAK, or a reader's initial key (field 53 says which transaction)." placeholder:"HEX"`
	Frame   bool     `help:"With length, TPDU and header."`
	TPDU    string   `name:"tpdu" help:"Destination and source, eight digits." default:"00030000"`
	Fields  []string `arg:"" optional:"" help:"mti=0800 11=000001 …; fields of bytes in hexadecimal."`
}

// Run prints the message in one line of hexadecimal.
func (c isoBuild) Run() error {
	raw, err := c.build()
	if err != nil {
		return err
	}
	_, err = fmt.Printf("%X\n", raw)
	return err
}

func (c isoBuild) build() ([]byte, error) {
	p, err := profileFlag{c.Profile}.find()
	if err != nil {
		return nil, err
	}
	texts, err := c.texts()
	if err != nil {
		return nil, err
	}
	mti := texts["mti"]
	delete(texts, "mti")
	fields := map[int]string{}
	for name, text := range texts {
		n, err := strconv.Atoi(name)
		if err != nil {
			return nil, fmt.Errorf("%q is neither mti nor a field's number", name)
		}
		fields[n] = text
	}
	m, err := p.Compose(mti, fields)
	if err != nil {
		return nil, err
	}
	body, err := c.pack(p, m)
	if err != nil || !c.Frame {
		return body, err
	}
	return frame(p, c.TPDU, body)
}

// texts are the fields as given: those of the file, and over them those of the command line.
func (c isoBuild) texts() (map[string]string, error) {
	texts := map[string]string{}
	if c.JSON != "" {
		in := os.Stdin
		if c.JSON != "-" {
			f, err := os.Open(c.JSON)
			if err != nil {
				return nil, err
			}
			defer func() { _ = f.Close() }() // nothing was written
			in = f
		}
		if err := json.NewDecoder(io.LimitReader(in, longestText)).Decode(&texts); err != nil {
			return nil, errors.New("the JSON is not one object of texts, as {\"mti\":\"0800\",\"11\":\"000001\"}") // the decoder's words may quote a card
		}
	}
	for _, pair := range c.Fields {
		name, text, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, errors.New("a field is given as number=value")
		}
		texts[strings.ToLower(name)] = text
	}
	return texts, nil
}

// pack writes m, with a MAC when there is a key.
func (c isoBuild) pack(p *iso8583.Profile, m *iso8583.Message) ([]byte, error) {
	if c.Key == "" {
		return p.Pack(m)
	}
	key, err := hex.DecodeString(c.Key)
	if err != nil {
		return nil, errors.New("the key is not hexadecimal")
	}
	defer clear(key)
	return p.PackMAC(m, func(covered []byte) ([]byte, error) { return testMAC(p, m, key, covered) })
}

// testMAC authenticates as a terminal of the profile does.
func testMAC(p *iso8583.Profile, m *iso8583.Message, key, covered []byte) ([]byte, error) {
	serial := m.Bytes(iso8583.SerialNumber)
	switch p.Protection {
	case iso8583.DerivedTDES:
		ksn, err := dukpt.ParseKSN(serial)
		if err != nil {
			return nil, fmt.Errorf("field %d: %w", iso8583.SerialNumber, err)
		}
		s, err := dukpt.NewSession(key, ksn)
		if err != nil {
			return nil, err
		}
		defer s.Wipe()
		return s.RequestMAC(covered)
	case iso8583.DerivedAES:
		ksn, err := dukpt.ParseAESKSN(serial)
		if err != nil {
			return nil, fmt.Errorf("field %d: %w", iso8583.SerialNumber, err)
		}
		s, err := dukpt.NewAESSession(key, ksn)
		if err != nil {
			return nil, err
		}
		defer s.Wipe()
		return s.RequestMAC(covered)
	default:
		k, err := tdes.NewKey(key)
		if err != nil {
			return nil, err
		}
		defer k.Wipe()
		return tdes.MAC(p.MAC.Algorithm, k, covered)
	}
}

// frame puts a packed message into the profile's frame.
func frame(p *iso8583.Profile, tpdu string, body []byte) ([]byte, error) {
	f := iso8583.Frame{Header: p.Version, Body: body}
	if p.TPDU {
		if len(tpdu) != 8 {
			return nil, errors.New("a TPDU has eight digits: destination and source")
		}
		f.TPDU = iso8583.TPDU{Dest: tpdu[:4], Source: tpdu[4:]}
	}
	return p.AppendFrame(nil, f)
}

type isoSend struct {
	profileFlag
	Addr    string        `required:"" help:"host:port of the terminal port."`
	State   string        `help:"Speak TLS as the software terminal with this memory." placeholder:"FILE" xor:"line"`
	Device  string        `help:"Speak TLS with the certificate that device issue wrote to FILE.pem and FILE.key." placeholder:"FILE" xor:"line"`
	Timeout time.Duration `help:"How long to wait for the answer." default:"30s"`
	Hex     string        `arg:"" help:"The frame, length included, in hexadecimal; - reads standard input."`
}

// Run sends the frame once and explains what comes back.
func (c isoSend) Run(ctx context.Context) error {
	raw, err := unhex(c.Hex)
	if err != nil {
		return err
	}
	answer, err := c.exchange(ctx, raw)
	if err != nil {
		return err
	}
	return c.explain(os.Stdout, answer)
}

func (c isoSend) exchange(ctx context.Context, raw []byte) ([]byte, error) {
	dialects := iso8583.Terminals()
	if p, err := c.find(); err != nil {
		return nil, err
	} else if p != nil {
		dialects = iso8583.Dialects{p}
	}
	if _, framed, err := dialects.Open(raw); !framed {
		return nil, fmt.Errorf("that is no whole frame (iso build --frame makes one): %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	conn, err := c.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }() // the answer is here, or will not come
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := conn.Write(raw); err != nil {
		return nil, err
	}
	answer, err := dialects.ReadFrame(conn)
	if errors.Is(err, io.EOF) {
		err = errors.New("the host hung up; a terminal port wants TLS with the terminal's certificate (--state, --device) unless it is plain (serve --iso-plain)")
	}
	if err != nil {
		return nil, fmt.Errorf("no answer: %w", err)
	}
	return answer, nil
}

// dial is a line as a terminal has it: TLS where it has a certificate.
func (c isoSend) dial(ctx context.Context) (net.Conn, error) {
	var config *tls.Config
	var err error
	switch {
	case c.State != "":
		if config, err = pos.Line(c.State); err == nil && config == nil {
			err = errors.New("that terminal has no certificate")
		}
	case c.Device != "":
		config, err = deviceLine(c.Device)
	default:
		return (&net.Dialer{}).DialContext(ctx, "tcp", c.Addr)
	}
	if err != nil {
		return nil, err
	}
	return (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", c.Addr)
}

// deviceLine is TLS with the files of device issue: FILE.pem has the certificate and
// the authority that the host is believed by.
func deviceLine(file string) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(file+".pem", file+".key")
	if err != nil {
		return nil, err
	}
	config := &tls.Config{RootCAs: x509.NewCertPool(), Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	for _, der := range pair.Certificate[1:] {
		authority, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		config.RootCAs.AddCert(authority)
	}
	return config, nil
}
