-- +goose Up
CREATE TABLE merchants (
    merchant_id    BIGINT PRIMARY KEY,
    mid            TEXT   NOT NULL UNIQUE, -- field 42
    name_zh        TEXT   NOT NULL,
    name_en        TEXT   NOT NULL,
    place          TEXT   NOT NULL,
    mcc            TEXT   NOT NULL,
    currency       TEXT   NOT NULL,
    zone           TEXT   NOT NULL, -- IANA name
    cutoff_minutes BIGINT NOT NULL, -- of the local day; exclusive; 1440 is midnight
    state          TEXT   NOT NULL, -- active, suspended
    created_at     BIGINT NOT NULL
);

CREATE TABLE fee_plans (
    merchant_id    BIGINT NOT NULL,
    method         TEXT   NOT NULL, -- card
    card_kind      TEXT   NOT NULL, -- debit, credit, '' for one that does not tell
    version        BIGINT NOT NULL,
    basis_points   BIGINT NOT NULL,
    min_minor      BIGINT NOT NULL,
    cap_minor      BIGINT NOT NULL, -- 0: no cap
    effective_from BIGINT NOT NULL,
    PRIMARY KEY (merchant_id, method, card_kind, version)
) /* sqlite: WITHOUT ROWID */;

CREATE TABLE limits (
    merchant_id       BIGINT NOT NULL,
    method            TEXT   NOT NULL,
    card_kind         TEXT   NOT NULL, -- '' holds for every kind together
    per_payment_minor BIGINT NOT NULL, -- 0: no limit
    daily_minor       BIGINT NOT NULL,
    monthly_minor     BIGINT NOT NULL,
    PRIMARY KEY (merchant_id, method, card_kind)
) /* sqlite: WITHOUT ROWID */;

CREATE TABLE limit_usage (
    merchant_id BIGINT NOT NULL,
    method      TEXT   NOT NULL,
    card_kind   TEXT   NOT NULL,
    period      BIGINT NOT NULL, -- yyyymmdd or yyyymm
    used_minor  BIGINT NOT NULL,
    PRIMARY KEY (merchant_id, method, card_kind, period)
) /* sqlite: WITHOUT ROWID */;

CREATE TABLE terminals (
    merchant_id  BIGINT NOT NULL,
    tid          TEXT   NOT NULL, -- field 41
    serial       TEXT   NOT NULL,
    model        TEXT   NOT NULL,
    profile      TEXT   NOT NULL, -- host profile
    lang         TEXT   NOT NULL, -- zh-CN, en
    state        TEXT   NOT NULL, -- active, suspended
    batch        BIGINT NOT NULL, -- the open batch, 1 to 999999
    batch_day    BIGINT NOT NULL, -- the business day on which it was opened, yyyymmdd
    signed_on_at BIGINT NOT NULL, -- 0: signed off
    seen_at      BIGINT NOT NULL,
    PRIMARY KEY (merchant_id, tid)
) /* sqlite: WITHOUT ROWID */;

CREATE TABLE terminal_serials ( -- one machine, one merchant, one place: a shared table, because it spans merchants
    serial      TEXT   PRIMARY KEY,
    merchant_id BIGINT NOT NULL,
    tid         TEXT   NOT NULL
);
