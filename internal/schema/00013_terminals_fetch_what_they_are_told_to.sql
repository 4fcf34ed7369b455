-- +goose Up
CREATE TABLE download_lists (
    merchant_id BIGINT NOT NULL, -- 0: the institution's, for every merchant without its own
    kind        TEXT   NOT NULL,
    version     BIGINT NOT NULL, -- 1, 2, 3… for each merchant and kind
    digest      BYTEA  NOT NULL, -- SHA-256 of the rows: the same again is no new version
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (merchant_id, kind, version)
) /* sqlite: WITHOUT ROWID */;

CREATE TABLE download_rows (
    merchant_id BIGINT NOT NULL,
    kind        TEXT   NOT NULL,
    version     BIGINT NOT NULL,
    line        BIGINT NOT NULL, -- 0, 1, 2…
    head        BYTEA  NOT NULL, -- as the list has it
    body        BYTEA  NOT NULL, -- as it is fetched by itself; empty where the head is all
    PRIMARY KEY (merchant_id, kind, version, line)
) /* sqlite: WITHOUT ROWID */;

CREATE TABLE download_marks ( -- how far each terminal is
    merchant_id   BIGINT NOT NULL,
    tid           TEXT   NOT NULL,
    kind          TEXT   NOT NULL,
    taking_owner  BIGINT NOT NULL, -- merchant_id of the list that it fetches
    taking        BIGINT NOT NULL, -- its version; 0: none
    stored_owner   BIGINT NOT NULL,
    stored         BIGINT NOT NULL, -- the version that it has whole; 0: none
    updated_at    BIGINT NOT NULL,
    PRIMARY KEY (merchant_id, tid, kind)
) /* sqlite: WITHOUT ROWID */;

CREATE TABLE terminal_statuses (
    merchant_id BIGINT NOT NULL,
    tid         TEXT   NOT NULL,
    software    TEXT   NOT NULL,
    battery     BIGINT NOT NULL, -- per cent; 0: not told
    printer     BIGINT NOT NULL, -- 1 works, 2 no paper, 3 broken; 0: not told
    reported_at BIGINT NOT NULL,
    PRIMARY KEY (merchant_id, tid)
) /* sqlite: WITHOUT ROWID */;
