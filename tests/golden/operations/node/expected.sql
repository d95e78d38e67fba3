SELECT u2.ord AS c0, t1.kind AS c1, t1.subject_id AS c2, t1.id AS c3, t1.violation AS c4, t1.fine_fen AS c5, array((SELECT row(t3.revision, t3.changed_fields, t4.id, t4.name) AS row_1
FROM record_revisions AS t3 LEFT OUTER JOIN departments AS t4 ON t3.by_id = t4.id
WHERE t1.subject_id = t3.subject_id AND t1.id = t3.record_id ORDER BY t3.revision ASC
LIMIT 20011)) AS c6
FROM unnest($1::INTEGER[], $2::BIGINT[], $3::BIGINT[]) AS u2(ord, k0, k1) JOIN records AS t1 ON t1.subject_id = u2.k0 AND t1.id = u2.k1
WHERE t1.public_from <= $4::DATE AND (t1.public_until IS NULL OR t1.public_until >= $4::DATE) AND t1.withdrawn_reason IS NULL AND (t1.status NOT IN ('REVOKED', 'REPAIRED'));
