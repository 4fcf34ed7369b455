-- +goose Up
CREATE TABLE training_attempts (
    merchant_id BIGINT NOT NULL,
    attempt_id  BIGINT NOT NULL, -- also draws the questions
    staff_id    BIGINT NOT NULL,
    edition     BIGINT NOT NULL,
    begun_at    BIGINT NOT NULL,
    ended_at    BIGINT NOT NULL, -- 0: not handed in
    answers     TEXT   NOT NULL, -- JSON, as they were given
    score       BIGINT NOT NULL,
    asked       BIGINT NOT NULL,
    passed      BIGINT NOT NULL, -- 0, 1
    PRIMARY KEY (merchant_id, attempt_id)
) /* sqlite: WITHOUT ROWID */;
CREATE INDEX training_attempts_by_person ON training_attempts (merchant_id, staff_id, begun_at);

CREATE TABLE training_certificates (
    merchant_id BIGINT NOT NULL,
    attempt_id  BIGINT NOT NULL, -- the test that was passed
    staff_id    BIGINT NOT NULL,
    name        TEXT   NOT NULL,
    role        TEXT   NOT NULL,
    edition     BIGINT NOT NULL,
    score       BIGINT NOT NULL,
    asked       BIGINT NOT NULL,
    passed_at   BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    seal        TEXT   NOT NULL, -- the keystore's, over the row
    PRIMARY KEY (merchant_id, attempt_id)
) /* sqlite: WITHOUT ROWID */;
CREATE INDEX training_certificates_by_person ON training_certificates (merchant_id, staff_id, expires_at);
