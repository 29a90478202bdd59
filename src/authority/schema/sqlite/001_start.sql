-- The stand-in card authority's own data. Moments are microseconds since 1970, dates days since 1970.

create table counter (
    name text not null primary key,
    value integer not null
) strict;
insert into counter (name, value) values ('sequence', 0), ('resident', 0), ('card', 0);

create table resident (
    id integer not null primary key,
    my_number integer not null unique,
    name text not null,
    kana text not null,
    alias text not null,
    birth integer not null,
    sex integer not null check (sex in (1, 2, 3)),
    address text not null,
    municipality text not null check (length(municipality) = 5),
    has_photo integer not null check (has_photo in (0, 1)),
    state integer not null check (state between 1 and 3)
) strict;

-- A certificate on a card, or on the phone made from it. Its id is known from issuer and serial before it is
-- made: key_hash is null until then.
create table card_certificate (
    key integer not null primary key,
    id blob not null unique check (length(id) = 32),
    sequence integer not null unique,
    issuer integer not null check (issuer between 1 and 4),
    serial blob not null check (length(serial) = 20),
    device integer not null check (device in (1, 2)),
    resident integer not null references resident (id),
    card integer not null,
    state integer not null check (state between 1 and 5),
    not_before integer not null,
    not_after integer not null,
    successor blob check (length(successor) = 32),
    key_hash blob check (length(key_hash) = 32),
    check ((successor is not null) = (state = 5))
) strict;
create index card_certificate_by_resident on card_certificate (resident);
create index card_certificate_running on card_certificate (not_after) where state in (1, 2);

create table machine_certificate (
    id blob not null primary key check (length(id) = 32),
    sequence integer not null unique,
    serial blob not null check (length(serial) = 20),
    kind integer not null check (kind between 1 and 4),
    code text not null,
    state integer not null check (state between 1 and 4),
    not_before integer not null,
    not_after integer not null
) strict, without rowid;

create table terminal (
    id blob not null primary key check (length(id) = 16),
    sequence integer not null unique,
    institution text not null check (length(institution) = 10),
    number integer not null,
    state integer not null check (state between 1 and 4),
    issued_at integer not null,
    not_after integer not null,
    unique (institution, number)
) strict, without rowid;

-- Whom answers about residents are sealed to: the newest counts.
create table vault_key (
    registered_at integer not null primary key,
    spki blob not null
) strict;
