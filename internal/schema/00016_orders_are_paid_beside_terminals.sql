-- +goose Up
CREATE TABLE orders ( -- of payments that no ISO terminal asked for
    merchant_id  BIGINT NOT NULL,
    payment_id   BIGINT NOT NULL,
    idem_key     TEXT   NOT NULL, -- begins with a day, so that it grows in order
    content_hash BYTEA  NOT NULL,
    device       TEXT   NOT NULL,
    number       TEXT   NOT NULL, -- the merchant's own; '' for none
    note         TEXT   NOT NULL,
    shown        TEXT   NOT NULL, -- JSON of what the payer saw before paying; '' for nothing
    plate        BIGINT NOT NULL, -- the static plate that led here; 0 for none
    payer        TEXT   NOT NULL, -- of a plate's payment, as the checkout tells payers apart; ''
    day          BIGINT NOT NULL, -- business day, yyyymmdd
    expires_at   BIGINT NOT NULL, -- of a presented code
    created_at   BIGINT NOT NULL,
    PRIMARY KEY (merchant_id, payment_id),
    UNIQUE (merchant_id, idem_key)
) /* sqlite: WITHOUT ROWID */;
CREATE INDEX orders_of_payers ON orders (merchant_id, payer, day) WHERE payer <> '';

CREATE TABLE order_numbers ( -- which payment an order number has: never two at once
    merchant_id BIGINT NOT NULL,
    number      TEXT   NOT NULL,
    payment_id  BIGINT NOT NULL,
    PRIMARY KEY (merchant_id, number)
) /* sqlite: WITHOUT ROWID */;

CREATE TABLE order_links ( -- what a wallet opens to pay a presented code
    merchant_id BIGINT NOT NULL,
    attempt_id  BIGINT NOT NULL,
    link        TEXT   NOT NULL,
    PRIMARY KEY (merchant_id, attempt_id)
) /* sqlite: WITHOUT ROWID */;
