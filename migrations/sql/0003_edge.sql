-- What the edge keeps: clients' buckets of cost (lost in a crash, which harms nobody), and registered documents.

create unlogged table cost_buckets (
    client text collate "C" not null,
    tokens double precision not null,
    at timestamp with time zone not null,
    constraint pk_cost_buckets primary key (client)
);

create table documents (
    client text collate "C" not null,
    sha256 text collate "C" not null constraint ck_documents_sha256_shape check (sha256 ~ '^[0-9a-f]{64}$'),
    text text not null,
    registered_at timestamp with time zone not null,
    constraint pk_documents primary key (client, sha256)
);

create table document_clients (
    client text collate "C" not null,
    registered_only boolean not null,
    constraint pk_document_clients primary key (client)
);
