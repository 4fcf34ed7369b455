-- +goose Up
CREATE TABLE privacy_looks ( -- each look at a subject's data, which the subject may see
    subject TEXT   NOT NULL,
    look_id BIGINT NOT NULL,
    actor   TEXT   NOT NULL, -- 'operator/3'
    role    TEXT   NOT NULL,
    what    TEXT   NOT NULL, -- a stable name of what was opened: 'contract', 'identity'
    purpose TEXT   NOT NULL,
    at      BIGINT NOT NULL,
    PRIMARY KEY (subject, look_id)
) /* sqlite: WITHOUT ROWID */;

CREATE TABLE privacy_requests ( -- what people ask for who have a right to it
    merchant_id BIGINT NOT NULL,
    request_id  BIGINT NOT NULL,
    subject     TEXT   NOT NULL,
    kind        TEXT   NOT NULL, -- correction, erasure
    state       TEXT   NOT NULL, -- open, done, refused
    body        TEXT   NOT NULL, -- which field is wrong, and what is right; no document's number
    asked_by    TEXT   NOT NULL,
    asked_at    BIGINT NOT NULL,
    due_at      BIGINT NOT NULL,
    decided_by  TEXT   NOT NULL,
    decided_at  BIGINT NOT NULL,
    outcome     TEXT   NOT NULL,
    PRIMARY KEY (merchant_id, request_id)
) /* sqlite: WITHOUT ROWID */;
CREATE INDEX privacy_requests_by_state ON privacy_requests (state, due_at);

CREATE TABLE privacy_runs ( -- what was destroyed because its term had ended
    run_id BIGINT PRIMARY KEY,
    ran_at BIGINT NOT NULL,
    report TEXT   NOT NULL  -- JSON
);
