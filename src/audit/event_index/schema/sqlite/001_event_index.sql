create table index_position (
    one integer primary key check (one = 1),
    sequence integer not null,
    segment integer not null,
    segment_offset integer not null
) strict;

create table event_place (
    event_id blob primary key,
    sequence integer not null,
    segment integer not null,
    segment_offset integer not null
) strict, without rowid;

create table person_event (
    person integer not null,
    sequence integer not null,
    primary key (person, sequence)
) strict, without rowid;

create table visit (
    token_hash blob primary key,
    sequence integer not null,
    event_id blob not null,
    party integer not null,
    code text not null,
    certificate_id blob not null,
    person integer not null,
    subscription integer not null,
    expires_at integer not null
) strict, without rowid;

create index visit_by_expiry on visit (expires_at);
