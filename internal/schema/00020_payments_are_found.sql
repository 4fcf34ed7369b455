-- +goose Up
CREATE TABLE payments_apart ( -- payments whose state is neither sent nor approved: to list one state, the others need not be read
    merchant_id BIGINT NOT NULL,
    state       TEXT   NOT NULL, -- as in payments
    payment_id  BIGINT NOT NULL,
    PRIMARY KEY (merchant_id, state, payment_id)
) /* sqlite: WITHOUT ROWID */;
INSERT INTO payments_apart (merchant_id, state, payment_id)
    SELECT merchant_id, state, payment_id FROM payments WHERE state NOT IN ('sent', 'approved');

-- Both begin with the day, so that they grow in order: new payments touch today's pages only.
CREATE INDEX payments_by_card ON payments (merchant_id, day, card_last4, payment_id) WHERE card_last4 <> '';
CREATE INDEX payments_by_amount ON payments (merchant_id, day, amount_minor, payment_id);

CREATE INDEX events_about ON events (merchant_id, ref, seq);
