SELECT u2.ord AS c0, t1.uscc AS c1, t1.name AS c2, t3.subject_id AS c3, t4.name AS c4, t3.until AS c5
FROM unnest($1::TEXT[] COLLATE "C") WITH ORDINALITY AS u2(k0, ord) JOIN subjects AS t1 ON t1.uscc = u2.k0 LEFT OUTER JOIN sanctions_entries AS t3 ON t1.id = t3.subject_id AND t3.status = 'LISTED' AND t3.public_from <= $2::DATE AND (t3.public_until IS NULL OR t3.public_until >= $2::DATE) AND t3.withdrawn_reason IS NULL AND (t3.until IS NULL OR t3.until >= $2::DATE) AND t3.status = 'LISTED' AND (t3.until IS NULL OR t3.until >= $2::DATE) LEFT OUTER JOIN sanctions_lists AS t4 ON t3.list_id = t4.id
WHERE (t1.status IS NOT NULL OR (EXISTS (SELECT 1
FROM records AS records_1
WHERE records_1.subject_id = t1.id AND records_1.public_from <= $2::DATE AND (records_1.public_until IS NULL OR records_1.public_until >= $2::DATE) AND records_1.withdrawn_reason IS NULL AND (records_1.status NOT IN ('REVOKED', 'REPAIRED')))) OR (EXISTS (SELECT 1
FROM sanctions_entries AS sanctions_entries_1
WHERE sanctions_entries_1.subject_id = t1.id AND sanctions_entries_1.status = 'LISTED' AND sanctions_entries_1.public_from <= $2::DATE AND (sanctions_entries_1.public_until IS NULL OR sanctions_entries_1.public_until >= $2::DATE) AND sanctions_entries_1.withdrawn_reason IS NULL AND (sanctions_entries_1.until IS NULL OR sanctions_entries_1.until >= $2::DATE)))) ORDER BY u2.ord, t3.id DESC
LIMIT 20026;
