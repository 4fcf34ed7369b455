-- +goose Up
-- An ended relation used to be released for the merchant alone. What is known of him as an applicant has the same term.
INSERT INTO subject_holds (subject, reason, until, placed_at)
SELECT 'application/' || a.application_id, h.reason, h.until, h.placed_at
FROM applications a JOIN subject_holds h ON h.subject = 'merchant/' || a.merchant_id
WHERE a.merchant_id > 0 AND h.reason = 'identity';

DELETE FROM subject_holds WHERE reason = 'relation' AND subject IN (
    SELECT 'application/' || a.application_id
    FROM applications a JOIN subject_holds h ON h.subject = 'merchant/' || a.merchant_id AND h.reason = 'identity'
    WHERE a.merchant_id > 0 AND NOT EXISTS (SELECT 1 FROM subject_holds r WHERE r.subject = 'merchant/' || a.merchant_id AND r.reason = 'relation'));
