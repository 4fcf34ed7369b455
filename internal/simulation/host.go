package simulation

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"hawker/internal/channel"
	"hawker/internal/channel/cardhost"
	"hawker/internal/door/iso"
	"hawker/internal/feelock"
	"hawker/internal/iso8583"
	"hawker/internal/jobs"
	"hawker/internal/keys"
	"hawker/internal/nodes"
	"hawker/internal/payment"
	"hawker/internal/store"
	"hawker/internal/vault"
)

// host is one machine that runs Hawker. Its process may die at any moment; the machine
// and its node number stay.
type host struct {
	world *world
	name  string
	id    nodes.ID
	clock *timepiece

	mu   sync.Mutex
	live *process // nil while none runs
}

// process is one life of a host, put together as internal/app does it.
type process struct {
	*host
	started time.Time
	life    nodes.Life
	db      *store.DB // its own connections: they die with it
	engine  *payment.Engine
	jobs    *jobs.Runner
	card    *cardhost.Host
	door    *iso.Server // nil where terminals call the engine directly
	port    *listener
	stop    context.CancelFunc

	beatEvery time.Duration
	pause     atomic.Pointer[context.CancelFunc] // of its jobs, until resume
	resume    chan struct{}
	dead      atomic.Bool
	threads   sync.WaitGroup
}

const (
	acquirer  = "48029900"
	deadAfter = 30 * time.Second

	// Each life has its own rhythm, so that two hosts never do the same thing at one instant.
	oftenBeat, seldomBeat = 9 * time.Second, 13 * time.Second
	oftenPoll, seldomPoll = 11 * time.Second, 15 * time.Second
)

// process gives the one that runs; nil for none.
func (h *host) process() *process {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.live
}

// start begins a life. What was in flight before is resolved first.
func (h *host) start() error {
	ctx, w := context.Background(), h.world
	d := w.dice("life", h.name, w.again("life "+h.name))
	p := &process{host: h, started: h.clock.now(), life: nodes.NewLife(), port: newListener(), resume: make(chan struct{}, 1), beatEvery: d.between(oftenBeat, seldomBeat)}
	var err error
	if p.db, err = store.Open(ctx, databaseIn(w.site)); err != nil {
		return err
	}
	ks, err := keys.Open(ctx, p.db, masterIn(w.site), h.clock.now)
	if err != nil {
		return err
	}
	cards := vault.Open(p.db, ks, h.clock.now, w.log)
	p.card = cardhost.New(cardhost.Config{
		Name: bankName, Dial: p.dialBank, Acquirer: acquirer, Forwarder: acquirer, Keys: ks, Vault: cards, PINKey: keys.ZPK(bankName),
		MACKey: keys.ZAK(bankName), Timeout: w.patience, Clock: h.clock.now, Log: w.log,
	})
	p.jobs = jobs.NewRunner(p.db, h.clock.now, w.log)
	p.jobs.Poll, p.jobs.Lease = d.between(oftenPoll, seldomPoll), 2*w.patience+5*time.Second
	p.engine = payment.New(payment.Config{DB: p.db, Clock: h.clock.now, Card: w.sabotage.channel(gate{p, p.card}), Jobs: p.jobs, Log: w.log,
		Metrics: told{p}, Node: h.id, Remember: time.Second, Fees: feelock.Open(feelock.Config{DB: p.db, Seal: ks, Clock: h.clock.now, Log: w.log})})
	if w.sabotage.Jobs != nil {
		w.sabotage.Jobs(p.jobs)
	}
	p.card.OnLate(func(ctx context.Context, r channel.Request, o channel.Outcome) {
		if !p.dead.Load() {
			p.engine.Late(ctx, r, o)
		}
	})
	if w.tier == Full {
		p.door = iso.New(iso.Config{DB: p.db, Engine: p.engine, Keys: ks, Vault: cards, Clock: h.clock.now, Log: w.log, Metrics: unheard{},
			Profile: iso8583.UnionPayPOS, Acquirer: acquirer, Remember: time.Second})
	}
	ctx, p.stop = context.WithCancel(ctx)
	w.journal.add("%s starts", h.name)
	if err := p.beat(ctx); err != nil && !p.dead.Load() {
		return err
	}
	p.serve(ctx)
	return nil
}

// serve opens the ports, unless the process died while it was starting.
func (p *process) serve(ctx context.Context) {
	p.host.mu.Lock()
	defer p.host.mu.Unlock()
	if p.dead.Load() {
		return
	}
	p.live = p
	run := p.untilPaused(ctx)
	p.threads.Go(func() { p.work(ctx, run) })
	p.threads.Go(func() { p.beats(ctx) })
	if p.door != nil {
		p.threads.Go(func() { _ = p.door.Serve(p.port) }) // ends when the port is closed
	}
}

// work does the jobs, until ctx ends or it is paused; then it waits to be resumed.
func (p *process) work(ctx, run context.Context) {
	for ; ; run = p.untilPaused(ctx) {
		p.jobs.Run(run)
		select {
		case <-ctx.Done():
			return
		case <-p.resume:
		}
	}
}

// untilPaused makes the context that pause ends.
func (p *process) untilPaused(ctx context.Context) context.Context {
	run, pause := context.WithCancel(ctx)
	p.pause.Store(&pause)
	return run
}

// dialBank connects to the bank.
func (p *process) dialBank(ctx context.Context) (net.Conn, error) {
	w := p.world
	if err := w.toBank.dial(ctx, p.name); err != nil {
		return nil, err
	}
	if p.dead.Load() {
		return nil, errRefused
	}
	near, far := w.toBank.connect(p.name, bankName)
	w.busy.Go(func() { w.bank.ServeConn(far) })
	return near, nil
}

// beat writes the heartbeat and resolves what nobody works on any more.
func (p *process) beat(ctx context.Context) error {
	now := p.clock.now()
	var place nodes.Place
	if err := p.db.Write(ctx, func(tx *store.Tx) (err error) {
		place, err = nodes.Sit(ctx, tx, p.id, p.life, now, now.Add(-deadAfter))
		return err
	}); err != nil {
		return err
	}
	p.engine.Sit(place)
	if p.world.sabotage.Amnesia {
		p.world.remember()
	}
	if p.world.sabotage.NoRecovery {
		return nil
	}
	_, err := p.engine.Beat(ctx, payment.Watch{Started: p.started, Dead: deadAfter, Late: 2 * p.world.patience})
	return err
}

func (p *process) beats(ctx context.Context) {
	tick := time.NewTicker(p.beatEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := p.beat(ctx); err != nil && !p.dead.Load() && ctx.Err() == nil {
			p.world.log.Error("heartbeat failed", "host", p.name, "err", err)
		}
	}
}

// end closes the ports and the process with them, after it has answered what it is answering.
func (p *process) end() {
	p.stop()
	p.port.close()
	if p.door != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		p.door.Shutdown(ctx)
	}
	p.threads.Wait()
	p.card.Close()
	_ = p.db.Close() // nothing is read from it any more
}
