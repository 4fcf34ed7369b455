-- +goose Up
CREATE TABLE contracts (
    merchant_id BIGINT NOT NULL,
    contract_id BIGINT NOT NULL,
    template    TEXT   NOT NULL,
    version     BIGINT NOT NULL,
    state       TEXT   NOT NULL, -- offered, signed, ending, ended, replaced, withdrawn
    sealed      BYTEA  NOT NULL, -- the document, under the merchant's own key
    digest      TEXT   NOT NULL, -- SHA-256 of the document, hexadecimal: what is signed
    offered_by  TEXT   NOT NULL,
    offered_at  BIGINT NOT NULL,
    signed_at   BIGINT NOT NULL, -- 0: not yet
    ends_at     BIGINT NOT NULL, -- 0: no end is set
    ended_by    TEXT   NOT NULL,
    remark      TEXT   NOT NULL, -- of who ended it
    PRIMARY KEY (merchant_id, contract_id)
) /* sqlite: WITHOUT ROWID */;

CREATE TABLE contract_acknowledgements ( -- each highlighted clause, by the person who will sign
    merchant_id BIGINT NOT NULL,
    contract_id BIGINT NOT NULL,
    clause      TEXT   NOT NULL,
    actor       TEXT   NOT NULL,
    at          BIGINT NOT NULL,
    PRIMARY KEY (merchant_id, contract_id, clause, actor)
) /* sqlite: WITHOUT ROWID */;

CREATE TABLE contract_signatures (
    merchant_id BIGINT NOT NULL,
    contract_id BIGINT NOT NULL,
    party       TEXT   NOT NULL, -- merchant, institution
    actor       TEXT   NOT NULL, -- 'staff/5'
    name        TEXT   NOT NULL, -- typed
    address     TEXT   NOT NULL, -- of the network
    picture     BYTEA  NOT NULL, -- drawn, under the merchant's own key; empty of the institution
    digest      TEXT   NOT NULL, -- of the drawn picture, hexadecimal
    signed_at   BIGINT NOT NULL,
    seal        TEXT   NOT NULL, -- the keystore's, over document, person, picture and time
    PRIMARY KEY (merchant_id, contract_id, party)
) /* sqlite: WITHOUT ROWID */;
