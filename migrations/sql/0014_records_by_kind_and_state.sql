-- A page of the newest records of one kind, of one department and kind, or of one state: where few of all records are so,
-- looking for them among the newest of all takes seconds.
create index ix_records_kind_newest on records (kind, decided_on desc, id desc);
create index ix_records_department_kind_newest on records (department_id, kind, decided_on desc, id desc);
create index ix_records_status_newest on records (status, decided_on desc, id desc);
