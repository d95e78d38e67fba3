SELECT u2.ord AS c0, t1.name AS c1, t3.code AS c2, t3.name AS c3
FROM unnest($1::INTEGER[], $2::TEXT[] COLLATE "C") AS u2(ord, k0) JOIN subjects AS t1 ON t1.uscc = u2.k0 LEFT OUTER JOIN regions AS t3 ON t1.region_code = t3.code
WHERE (t1.status IS NOT NULL OR (EXISTS (SELECT 1
FROM records AS records_1
WHERE records_1.subject_id = t1.id AND records_1.public_from <= $3::DATE AND (records_1.public_until IS NULL OR records_1.public_until >= $3::DATE) AND records_1.withdrawn_reason IS NULL AND (records_1.status NOT IN ('REVOKED', 'REPAIRED')))) OR (EXISTS (SELECT 1
FROM sanctions_entries AS sanctions_entries_1
WHERE sanctions_entries_1.subject_id = t1.id AND sanctions_entries_1.status = 'LISTED' AND sanctions_entries_1.public_from <= $3::DATE AND (sanctions_entries_1.public_until IS NULL OR sanctions_entries_1.public_until >= $3::DATE) AND sanctions_entries_1.withdrawn_reason IS NULL AND (sanctions_entries_1.until IS NULL OR sanctions_entries_1.until >= $3::DATE))));

SELECT u2.ord AS c0, t1.name AS c1
FROM unnest($1::INTEGER[], $2::TEXT[] COLLATE "C") AS u2(ord, k0) JOIN departments AS t1 ON t1.code = u2.k0
WHERE true;

SELECT u2.ord AS c0, t1.kind AS c1, t1.document_number AS c2, t1.status AS c3
FROM unnest($1::INTEGER[], $2::BIGINT[], $3::BIGINT[]) AS u2(ord, k0, k1) JOIN records AS t1 ON t1.subject_id = u2.k0 AND t1.id = u2.k1
WHERE t1.public_from <= $4::DATE AND (t1.public_until IS NULL OR t1.public_until >= $4::DATE) AND t1.withdrawn_reason IS NULL AND (t1.status NOT IN ('REVOKED', 'REPAIRED'));

SELECT u2.ord AS c0, t1.kind AS c1, t1.document_number AS c2, t1.status AS c3
FROM unnest($1::INTEGER[], $2::BIGINT[], $3::BIGINT[]) AS u2(ord, k0, k1) JOIN records AS t1 ON t1.subject_id = u2.k0 AND t1.id = u2.k1
WHERE t1.public_from <= $4::DATE AND (t1.public_until IS NULL OR t1.public_until >= $4::DATE) AND t1.withdrawn_reason IS NULL AND (t1.status NOT IN ('REVOKED', 'REPAIRED')) AND t1.kind = 'ADMINISTRATIVE_LICENSE';
