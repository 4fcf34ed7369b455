-- +goose Up
CREATE TABLE chip_counters ( -- one card pays at many merchants: a shared table
    token    TEXT   NOT NULL,
    sequence BIGINT NOT NULL, -- PAN sequence number; 0 when the terminal tells none
    counter  BIGINT NOT NULL, -- the last transaction counter seen, 1 to 65535; 0: none yet
    PRIMARY KEY (token, sequence)
) /* sqlite: WITHOUT ROWID */;

CREATE TABLE chip_answers ( -- what a bank told a chip: a repeat of the request gets it again
    merchant_id BIGINT NOT NULL,
    attempt_id  BIGINT NOT NULL,
    data        BYTEA  NOT NULL, -- BER-TLV: issuer authentication data and scripts
    PRIMARY KEY (merchant_id, attempt_id)
) /* sqlite: WITHOUT ROWID */;

CREATE TABLE script_notices ( -- what became of a bank's scripts; told to the bank by a job
    merchant_id BIGINT NOT NULL,
    attempt_id  BIGINT NOT NULL, -- whose answer brought the scripts
    data        BYTEA  NOT NULL, -- BER-TLV: the script results and the chip's last cryptogram
    notice_id   BIGINT NOT NULL, -- names it towards the bank
    stan        BIGINT NOT NULL,
    code        TEXT   NOT NULL, -- the bank's answer; '' while there is none
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (merchant_id, attempt_id)
) /* sqlite: WITHOUT ROWID */;
