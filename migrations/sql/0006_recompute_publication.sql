-- A later rule cuts publications that are running: which run did, under which policy, and what became of each record.

-- The class that a record shows may be derived; a rule is asked with the stated one, or derives it anew. Rows of before
-- do not say which it is.
alter table records add column class_stated boolean;
alter table records_history add column class_stated boolean;
comment on column records.class_stated is
    'whether the authority stated the class of dishonesty; false: derived; null: none, or not known';
select watch_history('records');

create sequence recomputation_ids;

create table publication_recomputations (
    id bigint default nextval('recomputation_ids') not null,
    at timestamp with time zone not null,
    finished_at timestamp with time zone,
    by_id integer not null,
    regime text collate "C" not null,
    policy jsonb not null,
    of_regime text collate "C",
    department_codes text[],
    item_codes text[],
    looked_at integer not null constraint ck_publication_recomputations_looked_at_positive check (looked_at >= 0),
    shortened integer not null constraint ck_publication_recomputations_shortened_positive check (shortened >= 0),
    ended integer not null constraint ck_publication_recomputations_ended_positive check (ended >= 0),
    not_begun integer not null constraint ck_publication_recomputations_not_begun_positive check (not_begun >= 0),
    left_listed integer not null constraint ck_publication_recomputations_left_listed_positive check (left_listed >= 0),
    constraint pk_publication_recomputations primary key (id),
    constraint fk_publication_recomputations_by_id_departments foreign key (by_id) references departments (id)
);
comment on column publication_recomputations.by_id is 'the one that ordered it';
comment on column publication_recomputations.regime is 'the one in force';

create table publication_cuts (
    subject_id bigint not null,
    record_id bigint not null,
    revision integer not null,
    recomputation_id bigint not null,
    at timestamp with time zone not null,
    outcome text collate "C" not null constraint ck_publication_cuts_outcome_known check (outcome in ('SHORTENED', 'ENDED', 'NOT_BEGUN')),
    until_before date constraint ck_publication_cuts_until_before_range check (until_before between date '1900-01-01' and date '9999-12-31'),
    until_now date constraint ck_publication_cuts_until_now_range check (until_now between date '1900-01-01' and date '9999-12-31'),
    rule_before text collate "C",
    rule_now text collate "C" not null,
    class_now text collate "C" not null constraint ck_publication_cuts_class_now_known check (class_now in ('MINOR', 'GENERAL', 'SERIOUS')),
    constraint pk_publication_cuts primary key (subject_id, record_id, revision)
);
comment on column publication_cuts.class_now is 'the class that the rule was asked with';
create index ix_publication_cuts_recomputation_id on publication_cuts (recomputation_id);

create trigger keep_rows before update or delete or truncate on publication_cuts for each statement
    execute function refuse_change();
create trigger keep_rows before delete or truncate on publication_recomputations for each statement
    execute function refuse_change();

-- A run counts what it has done, group by group, and says when it was through; nothing else of it changes.
create function only_counts_grow() returns trigger language plpgsql as $$
begin
    if old.finished_at is not null
        or (new.id, new.at, new.by_id, new.regime, new.policy) is distinct from (old.id, old.at, old.by_id, old.regime, old.policy)
        or (new.of_regime, new.department_codes, new.item_codes)
            is distinct from (old.of_regime, old.department_codes, old.item_codes)
        or new.looked_at < old.looked_at or new.shortened < old.shortened or new.ended < old.ended
        or new.not_begun < old.not_begun or new.left_listed < old.left_listed
    then
        raise exception 'update of publication_recomputations is refused: its rows are kept'
            using errcode = 'integrity_constraint_violation';
    end if;
    return new;
end $$;
create trigger only_counts_grow before update on publication_recomputations for each row
    execute function only_counts_grow();
