-- As the schema for SQLite, which says what the columns mean. What is one row a person or more is partitioned by
-- what it is found by, so that it can be spread over disks and machines.

create table insurer (
    number bigint primary key,
    name text collate "C" not null
);

create table institution (
    code bigint primary key,
    name text collate "C" not null,
    active boolean not null
);

create table employer (
    id bigint generated always as identity primary key,
    insurer bigint not null references insurer,
    code text collate "C" not null,
    name text collate "C",
    unique (insurer, code)
);

create table registrant (
    id bigint generated always as identity primary key,
    name text collate "C" not null unique
);

-- ---- Certificates ----

create table machine_certificate (
    id bytea primary key check (length(id) = 32),
    state bigint not null,
    last_day integer not null
);

create table terminal (
    id bytea primary key check (length(id) = 16),
    state bigint not null,
    last_day integer not null
);

create table certificate (
    id bytea not null check (length(id) = 32),
    state bigint not null,
    last_day integer not null,
    person bigint,
    on_phone boolean not null,
    successor bytea,
    primary key (id)
) partition by hash (id);

create index certificate_successor on certificate (successor) where successor is not null;

create table feed_position (
    through bigint not null,
    issued_at bigint not null
);

insert into feed_position (through, issued_at) values (0, 0);

-- ---- Persons ----

create sequence person_id;

create table person (
    id bigint not null default nextval('person_id'),
    reference bytea not null,
    enrolment bigint not null default 0,
    protection bigint not null default 0,
    primary key (id)
) partition by hash (id);

create table person_reference (
    reference bytea not null check (length(reference) = 16),
    person bigint not null,
    primary key (reference)
) partition by hash (reference);

create table person_subscription (
    person bigint not null,
    subscription bigint not null,
    primary key (person, subscription)
) partition by hash (person);

create table terms (
    id bigint generated always as identity primary key,
    version text collate "C" not null unique
);

create table enrolment (
    person bigint not null,
    version bigint not null,
    state bigint not null,
    recorded_at bigint not null,
    place bigint not null,
    institution bigint,
    form bigint not null,
    terms bigint not null,
    certificate bytea,
    primary key (person, version)
) partition by hash (person);

create table declaration (
    id bigint not null,
    version bigint not null,
    kind bigint not null,
    state bigint not null,
    person bigint,
    subscription bigint,
    recorded_at bigint not null,
    registrant bigint,
    reason text collate "C",
    primary key (id, version)
);

create index declaration_person on declaration (person) where person is not null;
create index declaration_subscription on declaration (subscription) where subscription is not null;

-- ---- Loads ----

create table load (
    id bigint generated always as identity primary key,
    public_id bytea not null unique check (length(public_id) = 16),
    insurer bigint not null references insurer,
    state bigint not null,
    begun_at bigint not null,
    published_at bigint,
    undone_at bigint,
    received bigint not null default 0,
    new_subscriptions bigint not null default 0,
    new_periods bigint not null default 0,
    changed bigint not null default 0,
    unchanged bigint not null default 0
);

-- ---- Subscriptions ----

create table insured_key (
    insurer bigint not null,
    symbol text collate "C" not null,
    number text collate "C" not null,
    birth integer not null,
    subscription bigint not null,
    primary key (insurer, symbol, number, birth, subscription)
) partition by hash (insurer, symbol, number);

create sequence subscription_id;

create table subscription (
    id bigint not null default nextval('subscription_id'),
    insurer bigint not null,
    symbol text collate "C" not null,
    number text collate "C" not null,
    branch text collate "C" not null,
    person bigint,
    link bigint not null default 0,
    protection bigint not null default 0,
    primary key (id)
) partition by hash (id);

create table link (
    subscription bigint not null,
    version bigint not null,
    person bigint not null,
    state bigint not null,
    recorded_at bigint not null,
    registrant bigint,
    evidence bigint,
    reason text collate "C",
    primary key (subscription, version)
) partition by hash (subscription);

create table stated (
    subscription bigint not null,
    version bigint not null,
    load bigint,
    recorded_at bigint,
    registrant bigint,
    birth integer not null,
    sex bigint not null,
    name text collate "C" not null,
    kana text collate "C",
    alias text collate "C",
    postal_code bigint,
    address text collate "C",
    relationship bigint not null,
    employer bigint,
    primary key (subscription, version)
) partition by hash (subscription);

create table coverage (
    subscription bigint not null,
    period bigint not null,
    version bigint not null,
    load bigint,
    recorded_at bigint,
    registrant bigint,
    acquired integer not null,
    lost integer,
    loss_reason bigint not null,
    classification bigint not null,
    flags bigint not null,
    copayment bigint,
    copayment_from integer,
    copayment_until integer,
    elderly_issued integer,
    elderly_from integer,
    elderly_last_day integer,
    elderly_copayment bigint,
    certificate_issued integer,
    certificate_last_day integer,
    primary key (subscription, period, version),
    check (lost is null or lost >= acquired)
) partition by hash (subscription);

do $$
declare
    parent text;
begin
    foreach parent in array array['certificate', 'person', 'person_reference', 'person_subscription', 'enrolment',
                                  'insured_key', 'subscription', 'link', 'stated', 'coverage'] loop
        for part in 0..7 loop
            execute format('create table %I partition of %I for values with (modulus 8, remainder %s)',
                           parent || '_' || part, parent, part);
        end loop;
    end loop;
end
$$;

-- ---- What goes out ----

create table outbox (
    id bigint generated always as identity primary key,
    event_id bytea not null unique check (length(event_id) = 16),
    payload bytea not null,
    created_at bigint not null
);

create table setting (
    name text collate "C" primary key,
    value text collate "C" not null
);
