-- What keeps the access log: its months refuse changes by their own names too, and unusual reading has a past to be
-- compared with.

-- How much a client read on a day that is over: answers, and different subjects.
create table reading_days (
    client_id text collate "C" not null,
    day date not null constraint ck_reading_days_day_range check (day between date '1900-01-01' and date '9999-12-31'),
    answers bigint not null,
    subjects bigint not null,
    constraint pk_reading_days primary key (client_id, day)
);

-- One row: when somebody last looked for unusual reading, and the last day that is in `reading_days`.
create table reading_watch (
    one smallint not null constraint ck_reading_watch_one_row check (one = 1),
    looked_at timestamp with time zone,
    counted_until date constraint ck_reading_watch_counted_until_range check (counted_until between date '1900-01-01' and date '9999-12-31'),
    constraint pk_reading_watch primary key (one)
);
insert into reading_watch (one) values (1);

create trigger keep_rows before update or delete or truncate on reading_alerts for each statement
    execute function refuse_change();

-- A trigger for statements on a log is not asked when a statement names one of its months.
create or replace function ensure_month(log text, moment timestamptz) returns void language plpgsql as $$
declare
    first_day timestamp := date_trunc('month', moment at time zone 'Asia/Shanghai');
    part text := format('%s_%s', log, to_char(first_day, 'YYYY_MM'));
begin
    if to_regclass(part) is not null then
        return;
    end if;
    perform pg_advisory_xact_lock(hashtext('ensure_month'), hashtext(part));
    begin
        execute format('create table %I partition of %I for values from (%L) to (%L)', part, log,
            first_day at time zone 'Asia/Shanghai', (first_day + interval '1 month') at time zone 'Asia/Shanghai');
        execute format('create trigger keep_rows before update or delete or truncate on %I for each statement'
            ' execute function refuse_change()', part);
    exception when duplicate_table then
        null; -- made by whoever held the lock before us
    end;
end $$;

do $$
declare
    part regclass;
begin
    for part in
        select inhrelid::regclass from pg_inherits
        where inhparent in ('disclosures'::regclass, 'imports'::regclass, 'import_findings'::regclass,
            'access_log'::regclass)
    loop
        execute format('create trigger keep_rows before update or delete or truncate on %s for each statement'
            ' execute function refuse_change()', part);
    end loop;
    -- These two run with their owner's rights: a caller's temporary table, whose triggers would run with them too, must
    -- not come before the hub's own. And nobody but the owner, and the role that `hub migrate --application-role`
    -- names, may cut months.
    execute format('alter function ensure_months(timestamptz, timestamptz) set search_path = %I, pg_temp',
        current_schema());
    execute format('alter function write_subject_names() set search_path = %I, pg_temp', current_schema());
    revoke execute on function ensure_months(timestamptz, timestamptz) from public;
end $$;
