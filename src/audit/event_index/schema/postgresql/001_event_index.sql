create table index_position (
    one bigint primary key check (one = 1),
    sequence bigint not null,
    segment bigint not null,
    segment_offset bigint not null
);

create table event_place (
    event_id bytea primary key,
    sequence bigint not null,
    segment bigint not null,
    segment_offset bigint not null
);

create table person_event (
    person bigint not null,
    sequence bigint not null,
    primary key (person, sequence)
);

create table visit (
    token_hash bytea primary key,
    sequence bigint not null,
    event_id bytea not null,
    party bigint not null,
    code text collate "C" not null,
    certificate_id bytea not null,
    person bigint not null,
    subscription bigint not null,
    expires_at bigint not null
);

create index visit_by_expiry on visit (expires_at);
