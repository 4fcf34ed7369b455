-- +goose Up
CREATE TABLE subject_keys ( -- a key for what is known of one person or business: without it that is noise
    subject     TEXT   PRIMARY KEY, -- 'application/123', 'merchant/7', 'staff/9': no personal data
    wrapped     BYTEA  NOT NULL, -- by the keystore; empty once shredded
    made_at     BIGINT NOT NULL,
    shredded_at BIGINT NOT NULL -- 0: not
);

CREATE TABLE subject_holds ( -- why a key may not be shredded yet
    subject   TEXT   NOT NULL,
    reason    TEXT   NOT NULL, -- a stable name: 'transactions', 'identity', 'dispute/12'
    until     BIGINT NOT NULL, -- 0: until it is released
    placed_at BIGINT NOT NULL,
    PRIMARY KEY (subject, reason)
) /* sqlite: WITHOUT ROWID */;
