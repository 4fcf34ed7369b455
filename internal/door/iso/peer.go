package iso

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"time"

	"hawker/internal/fault"
	"hawker/internal/identity"
	"hawker/internal/merchant"
	"hawker/internal/terminal"
)

// greet ends the handshake of a TLS connection within FrameTimeout, and gives the
// certificate that the terminal showed; nil where Devices is nil.
func (s *Server) greet(c net.Conn) (*x509.Certificate, error) {
	line, ok := c.(*tls.Conn)
	if !ok {
		if s.Devices != nil {
			return nil, identity.ErrNone.With("the line is plain TCP")
		}
		return nil, nil
	}
	if err := s.deadline(c, s.FrameTimeout); err != nil {
		return nil, err
	}
	_ = c.SetWriteDeadline(time.Now().Add(s.FrameTimeout))
	if err := line.HandshakeContext(context.Background()); err != nil {
		return nil, err
	}
	if s.Devices == nil {
		return nil, nil
	}
	peer := identity.Peer(line.ConnectionState())
	_, err := s.peers.Get(context.Background(), peer) // the listener's configuration is not ours: look again
	return peer, err
}

// turnAway tells why a connection or its next message is not taken: the metric has the
// refusal's name, or says that no handshake came about.
func (s *Server) turnAway(c net.Conn, err error) {
	why := "tls handshake"
	if f := fault.Of(err); f.Kind != fault.Internal {
		why = f.Name
	}
	s.Metrics.BadMessage(why)
	s.Log.Warn("connection refused", "from", c.RemoteAddr(), "why", why, "err", err)
}

// vouched holds a message against the certificate of its line: fields 41 and 42 are the
// certificate's, or it is ErrOther. Nothing of the message has been looked up by then.
func (s *Server) vouched(ctx context.Context, c *call) error {
	if c.peer == nil {
		return nil
	}
	t, err := s.peers.Get(ctx, c.peer)
	if err != nil {
		return err
	}
	mid, tid := c.message.Text(42), terminal.ID(c.message.Text(41))
	if t.MID == mid && t.ID == tid {
		return nil
	}
	s.Metrics.BadMessage(identity.ErrOther.Name)
	s.Log.Warn("message of another terminal", "mid", mid, "tid", tid, "certificate", t.MID+"/"+string(t.ID), "machine", t.Serial)
	return identity.ErrOther.With("merchant %s, terminal %s on the line of %s/%s", mid, tid, t.MID, t.ID)
}

// known is who sends a message, once its line has vouched for it.
func (s *Server) known(ctx context.Context, c *call) (m merchant.Merchant, t terminal.Terminal, err error) {
	if err := s.vouched(ctx, c); err != nil {
		return m, t, err
	}
	return s.whose(ctx, c.message)
}
