-- +goose Up
-- A plan's seal covers its row, the version before it and the consent to it: what was written past the
-- fee lock has none that holds, and serves no payment.
ALTER TABLE fee_plans ADD COLUMN consent_id BIGINT NOT NULL DEFAULT 0;
ALTER TABLE fee_plans ADD COLUMN seal TEXT NOT NULL DEFAULT '';

CREATE TABLE fee_heads ( -- how many versions a plan has, so that none is taken away unseen
    merchant_id BIGINT NOT NULL,
    method      TEXT   NOT NULL,
    card_kind   TEXT   NOT NULL,
    versions    BIGINT NOT NULL,
    seal        TEXT   NOT NULL,
    PRIMARY KEY (merchant_id, method, card_kind)
) /* sqlite: WITHOUT ROWID */;

CREATE TABLE fee_consents ( -- who agreed to what, and when
    merchant_id BIGINT NOT NULL,
    consent_id  BIGINT NOT NULL,
    kind        TEXT   NOT NULL, -- opening, contract, agreed, benefit
    actor       TEXT   NOT NULL, -- 'staff/5'
    name        TEXT   NOT NULL, -- as he was called
    document    TEXT   NOT NULL, -- SHA-256, hexadecimal, of what was agreed to
    object      TEXT   NOT NULL, -- 'contract/12', 'fee/34'
    agreed_at   BIGINT NOT NULL,
    seal        TEXT   NOT NULL,
    PRIMARY KEY (merchant_id, consent_id)
) /* sqlite: WITHOUT ROWID */;

CREATE TABLE fee_proposals (
    merchant_id    BIGINT NOT NULL,
    proposal_id    BIGINT NOT NULL,
    method         TEXT   NOT NULL,
    card_kind      TEXT   NOT NULL,
    currency       TEXT   NOT NULL,
    basis_points   BIGINT NOT NULL,
    min_minor      BIGINT NOT NULL,
    cap_minor      BIGINT NOT NULL,
    effective_from BIGINT NOT NULL,
    otherwise      TEXT   NOT NULL, -- without consent: keep, end
    reason         TEXT   NOT NULL,
    early          TEXT   NOT NULL, -- why sooner than the notice; '' for not sooner
    state          TEXT   NOT NULL,
    proposer       TEXT   NOT NULL, -- 'operator/3'
    approver       TEXT   NOT NULL, -- '' until a second person approved
    created_at     BIGINT NOT NULL,
    announced_at   BIGINT NOT NULL, -- when the last channel had taken the notice; 0: not yet
    ended_at       BIGINT NOT NULL, -- 0: open
    ended_by       TEXT   NOT NULL,
    remark         TEXT   NOT NULL, -- of who refused, rejected or withdrew it
    PRIMARY KEY (merchant_id, proposal_id)
) /* sqlite: WITHOUT ROWID */;
CREATE INDEX fee_proposals_by_state ON fee_proposals (state, created_at);

CREATE TABLE fee_notices ( -- each channel by which a proposal was told
    merchant_id BIGINT NOT NULL,
    proposal_id BIGINT NOT NULL,
    channel     TEXT   NOT NULL,
    digest      TEXT   NOT NULL, -- SHA-256, hexadecimal, of the text that was sent
    reference   TEXT   NOT NULL, -- the channel's own
    sent_at     BIGINT NOT NULL,
    PRIMARY KEY (merchant_id, proposal_id, channel)
) /* sqlite: WITHOUT ROWID */;
