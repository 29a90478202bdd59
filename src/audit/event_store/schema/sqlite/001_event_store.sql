-- The columns are the fields of an event (audit/event.h). salt and personal are null once the personal part was erased;
-- what is looked up of it stands in columns of its own and goes with it.
create table event (
    sequence integer primary key autoincrement,
    event_id blob not null unique,
    happened_at integer not null,
    kind integer not null,
    outcome integer not null,
    party integer not null,
    code text not null,
    certificate_id blob not null,
    used_key blob,
    key_expires_at integer not null,
    request_hash blob not null,
    leaf blob not null,
    salt blob,
    personal blob,
    person integer,
    visit_hash blob,
    visit_expires_at integer not null
) strict;

create index event_of_person on event (person, sequence) where person is not null;
create unique index event_of_visit on event (visit_hash) where visit_hash is not null;

-- Keys that can be used once, until nobody can use them any more. sequence is 0 while a key is only claimed.
create table used_key (
    key blob primary key,
    claimant blob not null,
    expires_at integer not null,
    claimed_at integer not null,
    sequence integer not null
) strict, without rowid;

create index used_key_by_expiry on used_key (expires_at);
