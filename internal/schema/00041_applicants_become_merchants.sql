-- +goose Up
CREATE TABLE applications (
    application_id BIGINT PRIMARY KEY,
    number         TEXT   NOT NULL UNIQUE, -- as people say it
    secret         BYTEA  NOT NULL UNIQUE, -- keyed hash of what opens it on any device
    kind           TEXT   NOT NULL, -- micro, sole, company
    state          TEXT   NOT NULL,
    move           BIGINT NOT NULL, -- counts every step and save: who decides names what he saw
    revision       BIGINT NOT NULL, -- of the fields that are worked on
    stands         BIGINT NOT NULL, -- the approved revision; 0 none
    shop           TEXT   NOT NULL, -- the shop's name as it hangs over the door
    mcc            TEXT   NOT NULL,
    region         TEXT   NOT NULL,
    needs          TEXT   NOT NULL, -- JSON: the interview
    model          TEXT   NOT NULL,
    fee_plan       TEXT   NOT NULL,
    offer          TEXT   NOT NULL, -- version
    institution    TEXT   NOT NULL, -- licence number
    provider       TEXT   NOT NULL, -- filing number, '' none
    applicant      TEXT   NOT NULL, -- who began it, 'operator/3'; '' somebody who is not signed in
    device         TEXT   NOT NULL, -- what the browser is known by; '' nothing
    grade          TEXT   NOT NULL, -- low, medium, high; '' before it was submitted
    score          BIGINT NOT NULL,
    seconder_of    TEXT   NOT NULL, -- who approved first, where two must; '' nobody yet
    submitted_at   BIGINT NOT NULL,
    due_at         BIGINT NOT NULL, -- until when it should be decided
    created_at     BIGINT NOT NULL,
    changed_at     BIGINT NOT NULL,
    merchant_id    BIGINT NOT NULL  -- 0: none yet
);
CREATE INDEX applications_by_due ON applications (state, due_at, application_id);
CREATE INDEX applications_by_merchant ON applications (merchant_id) WHERE merchant_id > 0;

CREATE TABLE application_fields (
    application_id BIGINT NOT NULL,
    field          TEXT   NOT NULL,
    revision       BIGINT NOT NULL, -- the highest that is not above the application's holds
    sealed         BYTEA  NOT NULL, -- under the applicant's own key; empty: taken back
    given_at       BIGINT NOT NULL,
    PRIMARY KEY (application_id, field, revision)
) /* sqlite: WITHOUT ROWID */;

CREATE TABLE application_photos (
    application_id BIGINT NOT NULL,
    photo          TEXT   NOT NULL,
    revision       BIGINT NOT NULL,
    sealed         BYTEA  NOT NULL, -- a JPEG of our own, under the applicant's own key
    look           BYTEA  NOT NULL, -- eight bytes, sealed too: to be found again once submitted
    width          BIGINT NOT NULL,
    height         BIGINT NOT NULL,
    given_at       BIGINT NOT NULL,
    PRIMARY KEY (application_id, photo, revision)
);

CREATE TABLE application_marks ( -- keyed hashes by which two applications are seen to share something
    kind           TEXT   NOT NULL, -- person, phone, account, device, licence, address, look/top, look/bottom
    mark           BYTEA  NOT NULL,
    application_id BIGINT NOT NULL,
    PRIMARY KEY (kind, mark, application_id)
) /* sqlite: WITHOUT ROWID */;
CREATE INDEX application_marks_by_application ON application_marks (application_id, kind);

CREATE TABLE application_claims ( -- one person or licence has one application under review
    mark           BYTEA  PRIMARY KEY,
    application_id BIGINT NOT NULL
);

CREATE TABLE listed_marks ( -- who is not boarded, and shared devices that are known to be harmless
    kind      TEXT   NOT NULL,
    mark      BYTEA  NOT NULL,
    stance    TEXT   NOT NULL, -- blocked, known
    reason    TEXT   NOT NULL,
    listed_by TEXT   NOT NULL,
    until     BIGINT NOT NULL, -- 0: until it is taken off
    listed_at BIGINT NOT NULL,
    PRIMARY KEY (kind, mark)
) /* sqlite: WITHOUT ROWID */;

CREATE TABLE application_notes ( -- what a reviewer wants corrected, by field
    application_id BIGINT NOT NULL,
    round          BIGINT NOT NULL, -- 1, 2, 3…
    field          TEXT   NOT NULL, -- '' the whole
    note           TEXT   NOT NULL,
    asked_by       TEXT   NOT NULL,
    asked_at       BIGINT NOT NULL,
    PRIMARY KEY (application_id, round, field)
) /* sqlite: WITHOUT ROWID */;

CREATE TABLE application_steps (
    application_id BIGINT NOT NULL,
    step           BIGINT NOT NULL, -- 1, 2, 3…
    event          TEXT   NOT NULL,
    from_state     TEXT   NOT NULL,
    to_state       TEXT   NOT NULL,
    who            TEXT   NOT NULL, -- 'operator/3', 'applicant', 'system'
    reasons        TEXT   NOT NULL, -- codes, with commas
    said           TEXT   NOT NULL, -- to the applicant
    at             BIGINT NOT NULL,
    PRIMARY KEY (application_id, step)
) /* sqlite: WITHOUT ROWID */;

CREATE TABLE application_views ( -- who saw what of an applicant's data, and what for
    application_id BIGINT NOT NULL,
    view_id        BIGINT NOT NULL,
    who            TEXT   NOT NULL,
    what           TEXT   NOT NULL, -- a field, or 'photo/id_front'
    purpose        TEXT   NOT NULL,
    seen_at        BIGINT NOT NULL,
    PRIMARY KEY (application_id, view_id)
) /* sqlite: WITHOUT ROWID */;

CREATE TABLE application_consents (
    application_id BIGINT NOT NULL,
    purpose        TEXT   NOT NULL, -- identity, face, account, location
    wording        BIGINT NOT NULL, -- version of the sentence that was agreed to
    given_at       BIGINT NOT NULL,
    withdrawn_at   BIGINT NOT NULL, -- 0: stands
    PRIMARY KEY (application_id, purpose, given_at)
) /* sqlite: WITHOUT ROWID */;

CREATE TABLE account_checks ( -- a small amount that only the account's holder can see
    application_id BIGINT NOT NULL,
    check_id       BIGINT NOT NULL,
    account        BYTEA  NOT NULL, -- keyed hash of bank, number and holder: another account needs another check
    amount_minor   BIGINT NOT NULL,
    currency       TEXT   NOT NULL,
    state          TEXT   NOT NULL, -- sending, sent, refused, verified, failed
    tries          BIGINT NOT NULL,
    said           TEXT   NOT NULL, -- the bank's reason
    created_at     BIGINT NOT NULL,
    expires_at     BIGINT NOT NULL,
    PRIMARY KEY (application_id, check_id)
) /* sqlite: WITHOUT ROWID */;

CREATE TABLE number_series ( -- counters of merchant numbers
    series      TEXT   PRIMARY KEY,
    last_number BIGINT NOT NULL
);

CREATE TABLE boardings ( -- under whose licence and by whose service a merchant was boarded
    merchant_id    BIGINT PRIMARY KEY,
    application_id BIGINT NOT NULL,
    kind           TEXT   NOT NULL,
    institution    TEXT   NOT NULL,
    provider       TEXT   NOT NULL,
    fee_plan       TEXT   NOT NULL,
    offer          TEXT   NOT NULL,
    fees           TEXT   NOT NULL, -- JSON: as they were shown
    boarded_at     BIGINT NOT NULL
);

CREATE TABLE stores ( -- where a merchant takes payments
    merchant_id BIGINT NOT NULL,
    store_id    BIGINT NOT NULL, -- 1, 2, 3… per merchant
    name        TEXT   NOT NULL,
    region      TEXT   NOT NULL, -- GB/T 2260
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (merchant_id, store_id)
) /* sqlite: WITHOUT ROWID */;

CREATE TABLE terminal_orders (
    merchant_id BIGINT NOT NULL,
    order_id    BIGINT NOT NULL,
    store_id    BIGINT NOT NULL,
    model       TEXT   NOT NULL,
    price_minor BIGINT NOT NULL,
    deposit_minor BIGINT NOT NULL,
    currency    TEXT   NOT NULL,
    state       TEXT   NOT NULL, -- ordered
    ordered_at  BIGINT NOT NULL,
    PRIMARY KEY (merchant_id, order_id)
) /* sqlite: WITHOUT ROWID */;
