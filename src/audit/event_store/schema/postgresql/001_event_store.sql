-- As the schema for SQLite, which says what the columns mean.
create table event (
    sequence bigint generated always as identity primary key,
    event_id bytea not null unique,
    happened_at bigint not null,
    kind bigint not null,
    outcome bigint not null,
    party bigint not null,
    code text collate "C" not null,
    certificate_id bytea not null,
    used_key bytea,
    key_expires_at bigint not null,
    request_hash bytea not null,
    leaf bytea not null,
    salt bytea,
    personal bytea,
    person bigint,
    visit_hash bytea,
    visit_expires_at bigint not null
);

create index event_of_person on event (person, sequence) where person is not null;
create unique index event_of_visit on event (visit_hash) where visit_hash is not null;

create table used_key (
    key bytea primary key,
    claimant bytea not null,
    expires_at bigint not null,
    claimed_at bigint not null,
    sequence bigint not null
);

create index used_key_by_expiry on used_key (expires_at);
