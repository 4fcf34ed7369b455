-- +goose Up
CREATE TABLE payments (
    merchant_id    BIGINT NOT NULL,
    payment_id     BIGINT NOT NULL, -- the id of the attempt that made it
    tid            TEXT   NOT NULL,
    method         TEXT   NOT NULL,
    state          TEXT   NOT NULL,
    amount_minor   BIGINT NOT NULL,
    currency       TEXT   NOT NULL,
    fee_minor      BIGINT NOT NULL,
    fee_version    BIGINT NOT NULL,
    refunded_minor BIGINT NOT NULL, -- refunds under way included
    refund_fee_minor BIGINT NOT NULL, -- fee given back with them
    card_token     TEXT   NOT NULL,
    card_bin       TEXT   NOT NULL,
    card_last4     TEXT   NOT NULL,
    card_kind      TEXT   NOT NULL,
    entry_mode     TEXT   NOT NULL,
    day            BIGINT NOT NULL, -- business day, frozen at acceptance
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    PRIMARY KEY (merchant_id, payment_id)
) /* sqlite: WITHOUT ROWID */ /* postgres: WITH (fillfactor = 60) */;

CREATE TABLE attempts (
    merchant_id  BIGINT NOT NULL,
    attempt_id   BIGINT NOT NULL,
    payment_id   BIGINT NOT NULL, -- 0: the tombstone of a request that had not come
    kind         TEXT   NOT NULL, -- sale, void, refund, reversal
    of_attempt   BIGINT NOT NULL, -- what a void, refund or reversal points at; 0 for a sale
    channel      TEXT   NOT NULL,
    state        TEXT   NOT NULL,
    idem_key     TEXT   NOT NULL, -- begins with a day, so that it grows in order
    content_hash BYTEA  NOT NULL,
    tid          TEXT   NOT NULL,
    batch        BIGINT NOT NULL,
    batch_day    BIGINT NOT NULL,
    trace        BIGINT NOT NULL,
    amount_minor BIGINT NOT NULL,
    fee_minor    BIGINT NOT NULL, -- of a sale; given back by a refund
    currency     TEXT   NOT NULL,
    stan         BIGINT NOT NULL, -- trace number towards the channel
    code         TEXT   NOT NULL, -- response code; '' while there is none
    auth_code    TEXT   NOT NULL,
    issuer       TEXT   NOT NULL,
    booked       BIGINT NOT NULL, -- 1 while its postings stand
    reason       TEXT   NOT NULL, -- of our own refusal, or of a reversal
    day          BIGINT NOT NULL,
    node_id      BIGINT NOT NULL, -- the process that sent it
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    PRIMARY KEY (merchant_id, attempt_id),
    UNIQUE (merchant_id, idem_key)
) /* sqlite: WITHOUT ROWID */ /* postgres: WITH (fillfactor = 60) */;
CREATE INDEX attempts_that_follow ON attempts (merchant_id, payment_id) WHERE payment_id <> attempt_id;

CREATE TABLE batches (
    merchant_id   BIGINT NOT NULL,
    tid           TEXT   NOT NULL,
    batch_day     BIGINT NOT NULL,
    batch         BIGINT NOT NULL,
    state         TEXT   NOT NULL, -- balanced, unbalanced, reconciled
    currency      TEXT   NOT NULL,
    debit_minor   BIGINT NOT NULL, -- the host's figures
    debit_count   BIGINT NOT NULL,
    credit_minor  BIGINT NOT NULL,
    credit_count  BIGINT NOT NULL,
    claimed_debit_minor  BIGINT NOT NULL, -- the terminal's
    claimed_debit_count  BIGINT NOT NULL,
    claimed_credit_minor BIGINT NOT NULL,
    claimed_credit_count BIGINT NOT NULL,
    settled_at    BIGINT NOT NULL,
    PRIMARY KEY (merchant_id, tid, batch_day, batch)
) /* sqlite: WITHOUT ROWID */;

CREATE TABLE batch_details (
    merchant_id  BIGINT NOT NULL,
    tid          TEXT   NOT NULL,
    batch_day    BIGINT NOT NULL,
    batch        BIGINT NOT NULL,
    trace        BIGINT NOT NULL,
    amount_minor BIGINT NOT NULL,
    PRIMARY KEY (merchant_id, tid, batch_day, batch, trace)
) /* sqlite: WITHOUT ROWID */;
