-- +goose Up
CREATE TABLE register_imports ( -- the files that the register was read from
    import_id   BIGINT PRIMARY KEY,
    source      TEXT   NOT NULL, -- whose list it is, as people call it
    as_of       BIGINT NOT NULL, -- yyyymmdd: the day of which the list speaks
    digest      BYTEA  NOT NULL, -- SHA-256 of the file
    imported_by TEXT   NOT NULL,
    imported_at BIGINT NOT NULL
);

CREATE TABLE register_entries ( -- each state of an entry is a row: the highest version holds
    kind      TEXT   NOT NULL, -- institution, provider
    number    TEXT   NOT NULL, -- licence number, record-filing number
    version   BIGINT NOT NULL, -- 1, 2, 3…
    latest    BIGINT NOT NULL, -- 1: no newer version
    name_zh   TEXT   NOT NULL,
    name_en   TEXT   NOT NULL,
    state     TEXT   NOT NULL,
    works_for TEXT   NOT NULL, -- a provider's institution, by licence number
    expires   BIGINT NOT NULL, -- yyyymmdd, the last day; 0: none stated
    body      TEXT   NOT NULL, -- the entry as JSON
    import_id BIGINT NOT NULL,
    PRIMARY KEY (kind, number, version)
) /* sqlite: WITHOUT ROWID */;

CREATE INDEX register_entries_by_name ON register_entries (name_zh) WHERE latest = 1;
