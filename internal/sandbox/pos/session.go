package pos

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"hawker/internal/iso8583"
)

// session is one operation's talk with the host: a connection, dialled when
// first wanted, and what the operation did besides.
type session struct {
	*Terminal
	conn  net.Conn
	notes []Words
	hint  int // what the host's last answer asked for
}

// connect dials unless there is a connection. Its failure means that nothing was sent.
func (s *session) connect(ctx context.Context) error {
	if s.conn != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.patience())
	defer cancel()
	address := s.state.Host
	if s.options.Host != "" {
		address = s.options.Host
	}
	conn, err := s.options.Dial(ctx, "tcp", address)
	if err == nil && s.options.TLS != nil {
		conn, err = handshake(ctx, conn, s.options.TLS, address)
	}
	if err != nil {
		s.think("cannot connect: %v", err)
		return ErrUnreachable.because(err)
	}
	s.conn = conn
	return nil
}

func handshake(ctx context.Context, raw net.Conn, config *tls.Config, address string) (net.Conn, error) {
	if config.ServerName == "" {
		config = config.Clone()
		config.ServerName, _, _ = net.SplitHostPort(address)
	}
	conn := tls.Client(raw, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	return conn, nil
}

// config reads the PEM files.
func (f *TLSFiles) config() (*tls.Config, error) {
	pem, err := os.ReadFile(f.CA)
	if err != nil {
		return nil, fmt.Errorf("read the host's CA: %w", err)
	}
	config := &tls.Config{RootCAs: x509.NewCertPool(), ServerName: f.Name, MinVersion: tls.VersionTLS12}
	if !config.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read the host's CA: no certificate in %s", f.CA)
	}
	if f.Cert != "" {
		device, err := tls.LoadX509KeyPair(f.Cert, f.Key)
		if err != nil {
			return nil, fmt.Errorf("read the device's certificate: %w", err)
		}
		config.Certificates = []tls.Certificate{device}
	}
	return config, nil
}

// hangUp ends the connection: after the operation, and whenever an answer may
// still come on it that nobody waits for.
func (s *session) hangUp() {
	if s.conn != nil {
		_ = s.conn.Close() // nothing is expected of it any more
		s.conn = nil
	}
}

// errSilent says that no answer came that the request could accept.
var errSilent = errors.New("no valid answer in time")

// wire packs m with its MAC, track enciphered, in a frame. Nothing may be
// persisted about a message before this has succeeded.
func (s *session) wire(m *iso8583.Message, withMAC bool) ([]byte, error) {
	if err := s.state.Secure.protect(s.profile, m); err != nil {
		return nil, err
	}
	if withMAC && s.profile.Protection.Derived() {
		m.SetBytes(iso8583.SerialNumber, s.state.Secure.next(s.profile).serial)
	}
	body, err := s.pack(m, withMAC)
	if err != nil {
		return nil, fmt.Errorf("pack %s: %w", m.MTI, err)
	}
	return s.profile.AppendFrame(nil, iso8583.Frame{TPDU: s.tpdu(), Header: s.profile.Version, Body: body})
}

func (s *session) pack(m *iso8583.Message, withMAC bool) ([]byte, error) {
	if !withMAC {
		return s.profile.Pack(m)
	}
	return s.profile.PackMAC(m, func(covered []byte) ([]byte, error) {
		return s.state.Secure.mac(s.profile, covered)
	})
}

// authenticated reports whether messages of a kind have a MAC.
func (s *session) authenticated(k Kind) bool {
	return shapes[k].mac || s.profile.MACAlways && k != Echo
}

func (s *session) tpdu() iso8583.TPDU {
	if !s.profile.TPDU {
		return iso8583.TPDU{}
	}
	return iso8583.TPDU{Dest: s.state.TPDU[:4], Source: s.state.TPDU[4:]}
}

// send packs m, connects, keeps what change (nil: nothing) writes down, and
// only then lets bytes leave. A trace number that is the next one is spent.
// After an error other than errSilent nothing has left.
func (s *session) send(ctx context.Context, k Kind, m *iso8583.Message, change func(*state)) (*answer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	withMAC := s.authenticated(k)
	wire, err := s.wire(m, withMAC)
	if err != nil {
		return nil, err
	}
	defer clear(wire)
	if err := s.connect(ctx); err != nil {
		return nil, err
	}
	spends := withMAC && s.profile.Protection.Derived()
	if fresh := m.Text(11) == six(s.state.Trace); fresh || spends || change != nil {
		err = s.commit(func(st *state) {
			if spends {
				st.Secure.Counter = st.Secure.next(s.profile).counter
			}
			if fresh {
				st.Trace = after(st.Trace)
			}
			if change != nil {
				change(st)
			}
		})
	}
	if err != nil {
		return nil, err
	}
	return s.ask(ctx, m, wire)
}

// ask sends the wire form of m and waits for m's answer until the timeout. What
// is not its answer is ignored: a late one, a foreign one, a broken one. Every
// failure is errSilent, for once bytes may have left, nobody knows what became of them.
func (s *session) ask(ctx context.Context, m *iso8583.Message, wire []byte) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, s.patience())
	defer cancel()
	conn := s.conn
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	a, err := s.converse(m, wire)
	if !stop() || err != nil {
		s.hangUp()
	}
	if err != nil {
		s.think("no answer to %s %s: %v", m.MTI, m.Text(11), err)
		return nil, errSilent
	}
	return a, nil
}

func (s *session) converse(m *iso8583.Message, wire []byte) (*answer, error) {
	s.options.Trace(Sent, fmt.Sprintf("%v", m))
	if _, err := s.conn.Write(wire); err != nil {
		return nil, err
	}
	for {
		frame, err := s.profile.ReadFrame(s.conn)
		if err != nil {
			return nil, err // a frame that is none leaves no place to go on reading
		}
		a, err := s.state.read(s.profile, frame)
		if err == nil {
			s.options.Trace(Received, fmt.Sprintf("%v", a.Message))
			err = a.answers(m)
		}
		if err == nil && frame.TPDU != s.tpdu().Swap() {
			err = errors.New("its TPDU is not ours turned round")
		}
		if err == nil && s.profile.MACAlways && m.Has(iso8583.SerialNumber) && a.mac != macValid && a.code() == approvedCode && !reportsTamper(m) {
			err = errors.New("it approves without proving where it comes from")
		}
		if err == nil {
			s.hint = frame.Header.ProcessingRequest()
			return a, nil
		}
		s.think("ignored: %v", err)
	}
}

func (s *session) think(format string, args ...any) {
	s.options.Trace(Thought, fmt.Sprintf(format, args...))
}

func (s *session) note(zh, en string) { s.notes = append(s.notes, Words{zh, en}) }
