-- What the database itself holds to, whoever writes: history, append-only logs, months of logs, listings with a basis.

-- A changed row of a versioned table moves into <table>_history with the instant until which it was known. It must be
-- the next revision; the time known from never goes back, whatever a clock says.
create function keep_history() returns trigger language plpgsql as $$
begin
    if new.revision <> old.revision + 1 then
        raise exception 'a change of % needs revision % (rows are never overwritten)', tg_table_name, old.revision + 1
            using errcode = 'integrity_constraint_violation';
    end if;
    new.known_from := greatest(new.known_from, old.known_from);
    execute format('insert into %I select $1, ($2).*', tg_table_name || '_history') using new.known_from, old;
    return new;
end $$;

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% of % is refused: its rows are kept', lower(tg_op), tg_table_name
        using errcode = 'integrity_constraint_violation';
end $$;

-- Watches a versioned table. The trigger names the columns there are, so a migration that adds one calls this again.
create function watch_history(kept text) returns void language plpgsql as $$
declare
    columns text;
begin
    -- `feed_state` says what the feed has told, which is not knowledge about the subject.
    select string_agg(quote_ident(attname), ', ' order by attnum) into columns
        from pg_attribute
        where attrelid = kept::regclass and attnum > 0 and not attisdropped and attname <> 'feed_state';
    execute format('create or replace trigger keep_history before update of %s on %I for each row'
        ' execute function keep_history()', columns, kept);
end $$;

do $$
declare
    kept text;
begin
    foreach kept in array array['departments', 'catalogue_items', 'grants', 'subjects', 'subject_relations',
        'evaluations', 'commitments', 'records', 'sanctions_lists', 'measures', 'sanctions_entries']
    loop
        perform watch_history(kept);
        execute format('create trigger keep_rows before delete or truncate on %I for each statement'
            ' execute function refuse_change()', kept);
        execute format('create trigger keep_rows before update or delete or truncate on %I for each statement'
            ' execute function refuse_change()', kept || '_history');
    end loop;
    foreach kept in array array['disclosures', 'listing_bases', 'listing_steps', 'imports', 'import_findings']
    loop
        execute format('create trigger keep_rows before update or delete or truncate on %I for each statement'
            ' execute function refuse_change()', kept);
    end loop;
end $$;

-- A listing without a basis is refused when its transaction ends, so that entry and basis may come in any order.
create function entry_has_basis() returns trigger language plpgsql as $$
begin
    if not exists (select from listing_bases b where b.subject_id = new.subject_id and b.entry_id = new.id) then
        raise exception 'a sanctions entry needs at least one basis'
            using errcode = 'integrity_constraint_violation', constraint = 'entry_has_basis';
    end if;
    return null;
end $$;

create constraint trigger entry_has_basis after insert on sanctions_entries
    deferrable initially deferred for each row execute function entry_has_basis();

-- Months of a log, cut at midnight in Beijing. Called by the migration, the sweeps and the seed, before rows come.
create function ensure_month(log text, moment timestamptz) returns void language plpgsql as $$
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
    exception when duplicate_table then
        null; -- made by whoever held the lock before us
    end;
end $$;

create function ensure_months(since timestamptz, until timestamptz) returns void language plpgsql as $$
declare
    log text;
    moment timestamptz;
begin
    foreach log in array array['disclosures', 'imports', 'import_findings']
    loop
        for moment in
            select m at time zone 'Asia/Shanghai' from generate_series(
                date_trunc('month', since at time zone 'Asia/Shanghai'),
                date_trunc('month', until at time zone 'Asia/Shanghai'), interval '1 month') m
        loop
            perform ensure_month(log, moment);
        end loop;
    end loop;
end $$;

select ensure_months(now() - interval '1 month', now() + interval '3 months');

insert into disclosure_head (one, at, position) values (1, '1900-01-01T00:00:00+08:00', 0);

create view record_revisions as
    select subject_id, id as record_id, revision, known_from, coalesce(changed_by, source_id) as by_id, change_reason,
        changed_fields
    from records
    union all
    select subject_id, id, revision, known_from, coalesce(changed_by, source_id), change_reason, changed_fields
    from records_history;
