-- +goose Up
CREATE TABLE ledger_entries (
    merchant_id BIGINT NOT NULL,
    ref         TEXT   NOT NULL, -- to what
    fact        TEXT   NOT NULL, -- what happened, e.g. sale
    day         BIGINT NOT NULL, -- business day, yyyymmdd
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (merchant_id, ref, fact) -- a fact is booked once
) /* sqlite: WITHOUT ROWID */;

CREATE TABLE ledger_postings (
    merchant_id  BIGINT NOT NULL,
    ref          TEXT   NOT NULL,
    fact         TEXT   NOT NULL,
    line         BIGINT NOT NULL,
    account      TEXT   NOT NULL,
    currency     TEXT   NOT NULL,
    amount_minor BIGINT NOT NULL, -- debit positive, credit negative
    PRIMARY KEY (merchant_id, ref, fact, line)
) /* sqlite: WITHOUT ROWID */;

CREATE TABLE ledger_balances (
    merchant_id   BIGINT NOT NULL,
    account       TEXT   NOT NULL,
    currency      TEXT   NOT NULL,
    balance_minor BIGINT NOT NULL, -- debit positive
    PRIMARY KEY (merchant_id, account, currency)
) /* sqlite: WITHOUT ROWID */;
