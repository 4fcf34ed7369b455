-- +goose Up
CREATE TABLE card_asks ( -- what a till asked of the card terminal beside it
    merchant_id  BIGINT NOT NULL,
    ask_id       BIGINT NOT NULL,
    device       TEXT   NOT NULL, -- the till
    idem_key     TEXT   NOT NULL,
    tid          TEXT   NOT NULL, -- the terminal
    amount_minor BIGINT NOT NULL,
    currency     TEXT   NOT NULL,
    shown        TEXT   NOT NULL, -- JSON of what the payer was shown
    note         TEXT   NOT NULL,
    state        TEXT   NOT NULL, -- asked, sent, nothing
    ref          TEXT   NOT NULL, -- the payment's attempt, once it is known
    said         TEXT   NOT NULL, -- JSON of the terminal's sentence when nothing was sent
    asked_at     BIGINT NOT NULL,
    PRIMARY KEY (merchant_id, ask_id)
) /* sqlite: WITHOUT ROWID */;
CREATE UNIQUE INDEX card_asks_key ON card_asks (merchant_id, device, idem_key);
