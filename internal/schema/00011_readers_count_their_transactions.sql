-- +goose Up
CREATE TABLE dukpt_readers (
    reader   TEXT   PRIMARY KEY, -- key serial number without its counter, hexadecimal
    terminal TEXT   NOT NULL, -- as the keystore names it: merchant number, slash, terminal; '' for a reader that was replaced
    counter  BIGINT NOT NULL, -- of the last message; 0: none yet
    digest   BYTEA  NOT NULL -- SHA-256 of that message with its MAC
);
