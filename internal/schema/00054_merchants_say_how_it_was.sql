-- +goose Up
CREATE TABLE reviews ( -- what a merchant says of a provider or technician who served him
    merchant_id  BIGINT NOT NULL,
    relation     TEXT   NOT NULL, -- 'contract/12', 'install/34': one review of each
    review_id    BIGINT NOT NULL,
    target_kind  TEXT   NOT NULL, -- institution, provider, technician
    target       TEXT   NOT NULL, -- its number in the register
    target_name  TEXT   NOT NULL,
    stars        BIGINT NOT NULL, -- 1 to 5
    body         TEXT   NOT NULL,
    state        TEXT   NOT NULL, -- pending, published, rejected, withdrawn
    findings     TEXT   NOT NULL, -- what the rules noticed, for the moderator
    author       TEXT   NOT NULL, -- 'staff/5'
    written_at   BIGINT NOT NULL,
    moderator    TEXT   NOT NULL,
    moderated_at BIGINT NOT NULL,
    reason       TEXT   NOT NULL, -- of a rejection; the author reads it
    answer       TEXT   NOT NULL,
    answered_by  TEXT   NOT NULL,
    answered_at  BIGINT NOT NULL,
    PRIMARY KEY (merchant_id, relation)
) /* sqlite: WITHOUT ROWID */;
CREATE INDEX reviews_by_state ON reviews (state, written_at);
CREATE INDEX reviews_by_target ON reviews (target_kind, target, state, written_at);
