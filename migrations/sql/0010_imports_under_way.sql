-- Imports that have begun and not ended: which file, by its content, for whom and under which item.
create table imports_under_way (
    at timestamp with time zone not null,
    id bigint not null,
    department_id integer not null,
    item_code text collate "C" not null,
    sha256 text collate "C" not null,
    constraint pk_imports_under_way primary key (at, id),
    constraint fk_imports_under_way_department_id_departments foreign key (department_id) references departments (id)
);
