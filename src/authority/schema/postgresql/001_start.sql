-- The stand-in card authority's own data. Moments are microseconds since 1970, dates days since 1970.

create table counter (
    name text collate "C" not null primary key,
    value bigint not null
);
insert into counter (name, value) values ('sequence', 0), ('resident', 0), ('card', 0);

create table resident (
    id bigint not null primary key,
    my_number bigint not null unique,
    name text collate "C" not null,
    kana text collate "C" not null,
    alias text collate "C" not null,
    birth integer not null,
    sex bigint not null check (sex in (1, 2, 3)),
    address text collate "C" not null,
    municipality text collate "C" not null check (length(municipality) = 5),
    has_photo boolean not null,
    state bigint not null check (state between 1 and 3)
);

-- A certificate on a card, or on the phone made from it. Its id is known from issuer and serial before it is
-- made: key_hash is null until then.
create table card_certificate (
    key bigint not null primary key,
    id bytea not null unique check (octet_length(id) = 32),
    sequence bigint not null unique,
    issuer bigint not null check (issuer between 1 and 4),
    serial bytea not null check (octet_length(serial) = 20),
    device bigint not null check (device in (1, 2)),
    resident bigint not null references resident (id),
    card bigint not null,
    state bigint not null check (state between 1 and 5),
    not_before bigint not null,
    not_after bigint not null,
    successor bytea check (octet_length(successor) = 32),
    key_hash bytea check (octet_length(key_hash) = 32),
    check ((successor is not null) = (state = 5))
);
create index card_certificate_by_resident on card_certificate (resident);
create index card_certificate_running on card_certificate (not_after) where state in (1, 2);

create table machine_certificate (
    id bytea not null primary key check (octet_length(id) = 32),
    sequence bigint not null unique,
    serial bytea not null check (octet_length(serial) = 20),
    kind bigint not null check (kind between 1 and 4),
    code text collate "C" not null,
    state bigint not null check (state between 1 and 4),
    not_before bigint not null,
    not_after bigint not null
);

create table terminal (
    id bytea not null primary key check (octet_length(id) = 16),
    sequence bigint not null unique,
    institution text collate "C" not null check (length(institution) = 10),
    number bigint not null,
    state bigint not null check (state between 1 and 4),
    issued_at bigint not null,
    not_after bigint not null,
    unique (institution, number)
);

-- Whom answers about residents are sealed to: the newest counts.
create table vault_key (
    registered_at bigint not null primary key,
    spki bytea not null
);
