-- +goose Up
CREATE TABLE webhook_endpoints (
    merchant_id   BIGINT NOT NULL,
    endpoint_id   BIGINT NOT NULL,
    url           TEXT   NOT NULL,
    types         TEXT   NOT NULL, -- of events, separated by commas; '' for all
    secret        BYTEA  NOT NULL, -- sealed by the keystore
    former        BYTEA  NOT NULL, -- the secret before, while it still signs; empty for none
    former_until  BIGINT NOT NULL,
    state         TEXT   NOT NULL, -- enabled, disabled, removed
    reason        TEXT   NOT NULL, -- why it is disabled
    heard         BIGINT NOT NULL, -- the last event that deliveries were made of
    failing_since BIGINT NOT NULL, -- the first failure after its last success; 0: it works
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL,
    PRIMARY KEY (merchant_id, endpoint_id)
) /* sqlite: WITHOUT ROWID */;
CREATE INDEX webhook_endpoints_enabled ON webhook_endpoints (merchant_id) WHERE state = 'enabled';

CREATE TABLE webhook_deliveries (
    merchant_id BIGINT NOT NULL,
    delivery_id BIGINT NOT NULL,
    endpoint_id BIGINT NOT NULL,
    seq         BIGINT NOT NULL, -- the event's
    kind        TEXT   NOT NULL, -- the event's
    replay_of   BIGINT NOT NULL, -- the delivery that somebody wanted again; 0 for none
    state       TEXT   NOT NULL, -- waiting, delivered, failed
    tries       BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    ended_at    BIGINT NOT NULL, -- 0: not yet
    PRIMARY KEY (merchant_id, delivery_id)
) /* sqlite: WITHOUT ROWID */;

CREATE TABLE webhook_tries (
    merchant_id BIGINT NOT NULL,
    delivery_id BIGINT NOT NULL,
    try         BIGINT NOT NULL, -- 1, 2, 3…
    at          BIGINT NOT NULL,
    status      BIGINT NOT NULL, -- of HTTP; 0: there was no answer
    took        BIGINT NOT NULL, -- microseconds
    failure     TEXT   NOT NULL, -- '' when it was delivered
    PRIMARY KEY (merchant_id, delivery_id, try)
) /* sqlite: WITHOUT ROWID */;
