-- Numbers for: states and kinds as in the headers of src/registry and src/domain; dates are days and moments
-- microseconds since 1970-01-01. An insurer number is kept as the number it is (06139463 is 6139463), an
-- institution code as well. The rows of a person lie together: the keys are WITHOUT ROWID.

create table insurer (
    number integer primary key,
    name text not null
) strict;

create table institution (
    code integer primary key,
    name text not null,
    active integer not null check (active in (0, 1))
) strict;

create table employer (
    id integer primary key,
    insurer integer not null references insurer,
    code text not null,
    name text,
    unique (insurer, code)
) strict;

create table registrant (
    id integer primary key,
    name text not null unique
) strict;

-- ---- Certificates ----

create table machine_certificate (
    id blob primary key check (length(id) = 32),
    state integer not null,
    last_day integer not null
) strict, without rowid;

create table terminal (
    id blob primary key check (length(id) = 16),
    state integer not null,
    last_day integer not null
) strict, without rowid;

create table certificate (
    id blob primary key check (length(id) = 32),
    state integer not null,
    last_day integer not null,
    person integer,
    on_phone integer not null check (on_phone in (0, 1)),
    successor blob
) strict, without rowid;

create index certificate_successor on certificate (successor) where successor is not null;

create table feed_position (
    through integer not null,
    issued_at integer not null
) strict;

insert into feed_position (through, issued_at) values (0, 0);

-- ---- Persons ----

-- enrolment is the state of the newest enrolment, protection 1 for 不開示該当 and 2 for 自己情報提供不可 in
-- force: a check reads them on every way to a person.
create table person (
    id integer primary key,
    reference blob not null,
    enrolment integer not null default 0,
    protection integer not null default 0
) strict;

create table person_reference (
    reference blob primary key check (length(reference) = 16),
    person integer not null
) strict, without rowid;

create table person_subscription (
    person integer not null,
    subscription integer not null,
    primary key (person, subscription)
) strict, without rowid;

create table terms (
    id integer primary key,
    version text not null unique
) strict;

create table enrolment (
    person integer not null,
    version integer not null,
    state integer not null,
    recorded_at integer not null,
    place integer not null,
    institution integer,
    form integer not null,
    terms integer not null,
    certificate blob,
    primary key (person, version)
) strict, without rowid;

create table declaration (
    id integer not null,
    version integer not null,
    kind integer not null,
    state integer not null,
    person integer,
    subscription integer,
    recorded_at integer not null,
    registrant integer,
    reason text,
    primary key (id, version)
) strict, without rowid;

create index declaration_person on declaration (person) where person is not null;
create index declaration_subscription on declaration (subscription) where subscription is not null;

-- ---- Loads ----

create table load (
    id integer primary key,
    public_id blob not null unique check (length(public_id) = 16),
    insurer integer not null references insurer,
    state integer not null,
    begun_at integer not null,
    published_at integer,
    undone_at integer,
    received integer not null default 0,
    new_subscriptions integer not null default 0,
    new_periods integer not null default 0,
    changed integer not null default 0,
    unchanged integer not null default 0
) strict;

-- ---- Subscriptions ----

-- Folded, and with every birth date that was ever stated: what a check by number asks for.
create table insured_key (
    insurer integer not null,
    symbol text not null,
    number text not null,
    birth integer not null,
    subscription integer not null,
    primary key (insurer, symbol, number, birth, subscription)
) strict, without rowid;

-- person and link are the newest version of the link, protection as with a person.
create table subscription (
    id integer primary key,
    insurer integer not null,
    symbol text not null,
    number text not null,
    branch text not null,
    person integer,
    link integer not null default 0,
    protection integer not null default 0
) strict;

create table link (
    subscription integer not null,
    version integer not null,
    person integer not null,
    state integer not null,
    recorded_at integer not null,
    registrant integer,
    evidence integer,
    reason text,
    primary key (subscription, version)
) strict, without rowid;

-- What the insurer states about the person, in versions. recorded_at is null where a load says when.
create table stated (
    subscription integer not null,
    version integer not null,
    load integer,
    recorded_at integer,
    registrant integer,
    birth integer not null,
    sex integer not null,
    name text not null,
    kana text,
    alias text,
    postal_code integer,
    address text,
    relationship integer not null,
    employer integer,
    primary key (subscription, version)
) strict, without rowid;

-- One version of one period. Ratios are null where the insurer states none; optional parts follow one another
-- at the end so that a plain coverage stays short.
create table coverage (
    subscription integer not null,
    period integer not null,
    version integer not null,
    load integer,
    recorded_at integer,
    registrant integer,
    acquired integer not null,
    lost integer,
    loss_reason integer not null,
    classification integer not null,
    flags integer not null,
    copayment integer,
    copayment_from integer,
    copayment_until integer,
    elderly_issued integer,
    elderly_from integer,
    elderly_last_day integer,
    elderly_copayment integer,
    certificate_issued integer,
    certificate_last_day integer,
    primary key (subscription, period, version),
    check (lost is null or lost >= acquired)
) strict, without rowid;

-- ---- What goes out ----

create table outbox (
    id integer primary key autoincrement,
    event_id blob not null unique check (length(event_id) = 16),
    payload blob not null,
    created_at integer not null
) strict;

create table setting (
    name text primary key,
    value text not null
) strict, without rowid;
