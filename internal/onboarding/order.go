package onboarding

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"hawker/internal/fault"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/store"
	"hawker/internal/terminal"
)

// Refusals of orders.
var (
	ErrNoOrder   = fault.New(fault.NotFound, "order_unknown", "没有这笔终端订单。", "There is no such order of a terminal.")
	ErrDelivered = fault.New(fault.Conflict, "order_delivered", "这笔订单已经登记了终端。", "This order has become a terminal already.")
)

// Order is a terminal that a merchant waits for, or has waited for.
type Order struct {
	Merchant merchant.ID
	ID       int64
	Store    int64
	Model    string
	Price    int64
	Deposit  int64
	State    string      // ordered, registered
	Terminal terminal.ID // which it became; "" none yet
	At       time.Time
}

// Place writes a new order down; it is open whatever State says.
func (o Order) Place(ctx context.Context, tx *store.Tx, c money.Currency) error {
	_, err := tx.Exec(ctx, `INSERT INTO terminal_orders (merchant_id, order_id, store_id, model, price_minor, deposit_minor, currency, state, tid, ordered_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 'ordered', '', $8)`, o.Merchant, o.ID, o.Store, o.Model, o.Price, o.Deposit, string(c), store.At(o.At))
	if err != nil {
		return fmt.Errorf("order a terminal for merchant %d: %w", o.Merchant, err)
	}
	return nil
}

const selectOrders = `SELECT merchant_id, order_id, store_id, model, price_minor, deposit_minor, state, tid, ordered_at FROM terminal_orders WHERE `

func scanOrder(scan func(...any) error) (o Order, err error) {
	var at store.Time
	err = scan(&o.Merchant, &o.ID, &o.Store, &o.Model, &o.Price, &o.Deposit, &o.State, &o.Terminal, &at)
	o.At = at.Time()
	return o, err
}

func orders(ctx context.Context, q store.Querier, where string, args ...any) (list []Order, err error) {
	rows, err := q.Query(ctx, selectOrders+where, args...)
	if err != nil {
		return nil, fmt.Errorf("orders of terminals: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		o, err := scanOrder(rows.Scan)
		if err != nil {
			return nil, err
		}
		list = append(list, o)
	}
	return list, rows.Err()
}

// Orders lists a merchant's ordered terminals.
func Orders(ctx context.Context, q store.Querier, m merchant.ID) ([]Order, error) {
	return orders(ctx, q, `merchant_id = $1 ORDER BY order_id`, m)
}

// OpenOrders lists the terminals that merchants wait for, who waits longest first, at most limit.
func OpenOrders(ctx context.Context, q store.Querier, limit int) ([]Order, error) {
	return orders(ctx, q, `state = 'ordered' ORDER BY ordered_at, merchant_id, order_id LIMIT $1`, limit)
}

// OrderOf finds a merchant's order that is open; ErrNoOrder, or ErrDelivered when it is not any more.
func OrderOf(ctx context.Context, q store.Querier, m merchant.ID, id int64) (Order, error) {
	o, err := scanOrder(q.QueryRow(ctx, selectOrders+`merchant_id = $1 AND order_id = $2`, m, id).Scan)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return o, ErrNoOrder
	case err != nil:
		return o, fmt.Errorf("order of a terminal: %w", err)
	case o.State != "ordered":
		return o, ErrDelivered.With("order %d became %s", id, o.Terminal)
	}
	return o, nil
}

// Delivered notes which terminal an order became; ErrDelivered when somebody was faster.
func Delivered(ctx context.Context, tx *store.Tx, m merchant.ID, id int64, t terminal.ID) error {
	n, err := tx.Exec(ctx, `UPDATE terminal_orders SET state = 'registered', tid = $1 WHERE merchant_id = $2 AND order_id = $3 AND state = 'ordered'`, t, m, id)
	if err != nil {
		return fmt.Errorf("order %d became %s: %w", id, t, err)
	}
	if n == 0 {
		return ErrDelivered.With("order %d", id)
	}
	return nil
}
