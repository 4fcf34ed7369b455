-- +goose Up
CREATE TABLE jobs (
    merchant_id BIGINT NOT NULL,
    job_id      BIGINT NOT NULL,
    kind        TEXT   NOT NULL,
    ref         TEXT   NOT NULL,
    state       TEXT   NOT NULL, -- waiting, done, exhausted
    tries       BIGINT NOT NULL,
    max_tries   BIGINT NOT NULL,
    due_at      BIGINT NOT NULL, -- while a worker has it: when its lease ends
    last_error  TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    PRIMARY KEY (merchant_id, job_id),
    UNIQUE (merchant_id, kind, ref)
) /* sqlite: WITHOUT ROWID */;
CREATE INDEX jobs_waiting ON jobs (due_at) WHERE state = 'waiting';

CREATE TABLE cases (
    merchant_id BIGINT NOT NULL,
    case_id     BIGINT NOT NULL,
    kind        TEXT   NOT NULL,
    ref         TEXT   NOT NULL,
    detail      TEXT   NOT NULL,
    state       TEXT   NOT NULL, -- open, closed
    opened_at   BIGINT NOT NULL,
    closed_at   BIGINT NOT NULL,
    PRIMARY KEY (merchant_id, case_id),
    UNIQUE (merchant_id, kind, ref)
) /* sqlite: WITHOUT ROWID */;

CREATE TABLE events (
    merchant_id BIGINT NOT NULL,
    seq         BIGINT NOT NULL, -- 1, 2, 3… for each merchant
    kind        TEXT   NOT NULL,
    ref         TEXT   NOT NULL,
    body        TEXT   NOT NULL, -- JSON without card data
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (merchant_id, seq)
) /* sqlite: WITHOUT ROWID */;

CREATE TABLE event_heads (
    merchant_id BIGINT PRIMARY KEY,
    seq         BIGINT NOT NULL
);

CREATE TABLE nodes (
    node_id       BIGINT PRIMARY KEY,
    seen_at       BIGINT NOT NULL, -- 0: ended by itself
    settled_below BIGINT NOT NULL  -- none of its attempts with a smaller id is without an outcome
);
