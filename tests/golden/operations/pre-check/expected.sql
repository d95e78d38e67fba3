SELECT t1.name AS c0, t1.status AS c1, (SELECT legal_representatives_1.name
FROM legal_representatives AS legal_representatives_1
WHERE legal_representatives_1.subject_id = t1.id AND legal_representatives_1.known_until IS NULL) AS c2, array((SELECT row(t3.code, t3.name, t2.listed_on, t2.until) AS row_1
FROM sanctions_entries AS t2 LEFT OUTER JOIN sanctions_lists AS t3 ON t2.list_id = t3.id
WHERE t1.id = t2.subject_id AND t2.status = 'LISTED' AND t2.public_from <= $1::DATE AND (t2.public_until IS NULL OR t2.public_until >= $1::DATE) AND t2.withdrawn_reason IS NULL AND (t2.until IS NULL OR t2.until >= $1::DATE) AND t2.status = 'LISTED' AND (t2.until IS NULL OR t2.until >= $1::DATE) ORDER BY t2.id DESC
LIMIT 20006)) AS c3, array((SELECT row(t4.decided_on, t4.id, t4.kind, t5.name, t4.penalty_kinds, t4.fine_fen) AS row_2
FROM records AS t4 LEFT OUTER JOIN departments AS t5 ON t4.department_id = t5.id
WHERE t1.id = t4.subject_id AND t4.public_from <= $1::DATE AND (t4.public_until IS NULL OR t4.public_until >= $1::DATE) AND t4.withdrawn_reason IS NULL AND (t4.status NOT IN ('REVOKED', 'REPAIRED')) ORDER BY t4.decided_on DESC, t4.id DESC
LIMIT 21)) AS c4
FROM subjects AS t1
WHERE t1.uscc = $2::VARCHAR COLLATE "C" AND (t1.status IS NOT NULL OR (EXISTS (SELECT 1
FROM records AS records_1
WHERE records_1.subject_id = t1.id AND records_1.public_from <= $1::DATE AND (records_1.public_until IS NULL OR records_1.public_until >= $1::DATE) AND records_1.withdrawn_reason IS NULL AND (records_1.status NOT IN ('REVOKED', 'REPAIRED')))) OR (EXISTS (SELECT 1
FROM sanctions_entries AS sanctions_entries_1
WHERE sanctions_entries_1.subject_id = t1.id AND sanctions_entries_1.status = 'LISTED' AND sanctions_entries_1.public_from <= $1::DATE AND (sanctions_entries_1.public_until IS NULL OR sanctions_entries_1.public_until >= $1::DATE) AND sanctions_entries_1.withdrawn_reason IS NULL AND (sanctions_entries_1.until IS NULL OR sanctions_entries_1.until >= $1::DATE))));
