package app

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"hawker/internal/nodes"
	"hawker/internal/payment"
	"hawker/internal/store"
)

// node is this process among those that share the database.
type node struct {
	id      nodes.ID
	life    nodes.Life
	started time.Time
	file    *os.File // locked while we live

	commits, rested int64 // commands committed, at the last heartbeat and when memory was given back
}

// openNode reads the data directory's node number, or draws one, and locks the directory.
func openNode(c Config) (*node, error) {
	f, err := os.OpenFile(filepath.Join(c.Data, "node"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lockFile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	n := &node{life: nodes.NewLife(), started: c.Clock(), file: f}
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if _, err := fmt.Sscanf(strings.TrimSpace(string(text)), "%d", &n.id); err == nil && n.id > 0 {
		return n, nil
	}
	var b [8]byte
	_, _ = rand.Read(b[:])                                // never fails
	n.id = nodes.ID(binary.BigEndian.Uint64(b[:])>>1 | 1) //nolint:gosec // 63 bits
	if _, err := f.WriteAt(fmt.Appendf(nil, "%d\n", n.id), 0); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return n, f.Sync()
}

// beat holds our place among the nodes, writes our heartbeat, resolves what nobody works
// on, and looks whether tables grew.
func (s *Server) beat(ctx context.Context) error {
	now := s.Config.Clock()
	noPlace := s.sit(ctx, now) // first: what is resolved draws trace numbers
	n, err := s.Engine.Beat(ctx, payment.Watch{Started: s.node.started, Dead: s.Config.Dead, Late: 2 * s.Config.Network.Timeout})
	if n > 0 {
		s.Config.Log.Warn("attempts without an outcome were found; resolving them", "attempts", n)
	}
	return errors.Join(noPlace, err, s.DB.Analyze(ctx), s.rest(ctx))
}

// rush is how many commits make it worth while to give memory back after them.
const rush = 1000

// rest gives memory back to the system when a rush is over.
func (s *Server) rest(ctx context.Context) error {
	n := s.metrics.commands.Load()
	if n != s.node.commits {
		s.node.commits = n
		return nil
	}
	if n < s.node.rested+rush {
		return nil
	}
	s.node.rested = n
	err := s.DB.Shrink(ctx)
	runtime.GC() // pools let go at the second collection
	debug.FreeOSMemory()
	return err
}

// sit holds our place. Another node has it if we gave no sign of life for long enough;
// then we have a new one.
func (s *Server) sit(ctx context.Context, now time.Time) error {
	var p nodes.Place
	if err := s.DB.Write(ctx, func(tx *store.Tx) (err error) {
		p, err = nodes.Sit(ctx, tx, s.node.id, s.node.life, now, now.Add(-s.Config.Dead))
		return err
	}); err != nil {
		return err
	}
	s.Engine.Sit(p)
	return nil
}

// beats runs until ctx ends. Five heartbeats may be missed before others call us dead.
func (s *Server) beats(ctx context.Context) {
	tick := time.NewTicker(s.Config.Dead / 5)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := s.beat(ctx); err != nil && ctx.Err() == nil {
			s.Config.Log.Error("heartbeat failed", "err", err)
		}
	}
}

// leave says that we end with nothing in flight.
func (s *Server) leave(ctx context.Context) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error { return nodes.Leave(ctx, tx, s.node.id) })
}
