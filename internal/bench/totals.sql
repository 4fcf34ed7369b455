-- What the payments of a preload come to for one merchant: its balances, and the number of its last event.
INSERT INTO ledger_balances (merchant_id, account, currency, balance_minor)
VALUES ($1, 'channel/cardnet', 'CNY', $2), ($1, 'fees', 'CNY', $3), ($1, 'pending', 'CNY', $4)
;
INSERT INTO event_heads (merchant_id, seq) VALUES ($1, $2)
