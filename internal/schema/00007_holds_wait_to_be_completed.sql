-- +goose Up
CREATE TABLE holds ( -- pre-authorizations; a completion makes a payment of its own
    merchant_id  BIGINT NOT NULL,
    hold_id      BIGINT NOT NULL,
    attempt_id   BIGINT NOT NULL, -- the pre-authorization, whose id it has
    tid          TEXT   NOT NULL,
    state        TEXT   NOT NULL,
    amount_minor BIGINT NOT NULL,
    currency     TEXT   NOT NULL,
    auth_code    TEXT   NOT NULL, -- by which terminals point at it; '' until it is approved
    batch        BIGINT NOT NULL,
    trace        BIGINT NOT NULL,
    card_token   TEXT   NOT NULL,
    card_bin     TEXT   NOT NULL,
    card_last4   TEXT   NOT NULL,
    card_kind    TEXT   NOT NULL,
    entry_mode   TEXT   NOT NULL,
    day          BIGINT NOT NULL, -- business day, frozen at acceptance
    expires_at   BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    PRIMARY KEY (merchant_id, hold_id)
) /* sqlite: WITHOUT ROWID */;
CREATE INDEX holds_of_card ON holds (merchant_id, card_token, auth_code);
