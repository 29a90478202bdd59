-- Every statement of the registry. How this is written: src/db/catalogue.h.

-- ---- Who takes part ----

-- name: insurer_put
-- in: number int, name text
insert into insurer (number, name) values (:number, :name)
on conflict (number) do update set name = excluded.name;

-- name: insurer_find
-- in: number int
-- out: name text
select name from insurer where number = :number;

-- name: institution_put
-- in: code int, name text, active bool
insert into institution (code, name, active) values (:code, :name, :active)
on conflict (code) do update set name = excluded.name, active = excluded.active;

-- name: institution_find
-- in: code int
-- out: name text, active bool
select name, active from institution where code = :code;

-- name: employer_put
-- row: id
-- in: insurer int, code text, name text?
-- out: id int
insert into employer (insurer, code, name) values (:insurer, :code, :name)
on conflict (insurer, code) do update set name = coalesce(excluded.name, employer.name)
returning id;

-- name: employer_find
-- in: insurer int, code text
-- out: id int, name text?
select id, name from employer where insurer = :insurer and code = :code;

-- name: registrant_find
-- row: id
-- in: name text
-- out: id int
select id from registrant where name = :name;

-- name: registrant_add
-- row: id
-- in: name text
-- out: id int
insert into registrant (name) values (:name) returning id;

-- name: setting_put
-- in: name text, value text
insert into setting (name, value) values (:name, :value)
on conflict (name) do update set value = excluded.value;

-- name: setting_find
-- in: name text
-- out: value text
select value from setting where name = :name;

-- ---- Certificates ----

-- name: machine_certificate_put_state
-- in: id bytes, state int, last_day date
insert into machine_certificate (id, state, last_day) values (:id, :state, :last_day)
on conflict (id) do update set state = excluded.state, last_day = excluded.last_day;

-- name: machine_certificate_find
-- in: id bytes
-- out: state int, last_day date
select state, last_day from machine_certificate where id = :id;

-- name: terminal_put_state
-- in: id bytes, state int, last_day date
insert into terminal (id, state, last_day) values (:id, :state, :last_day)
on conflict (id) do update set state = excluded.state, last_day = excluded.last_day;

-- name: certificate_put
-- A person that is known stays known.
-- in: id bytes, state int, last_day date, person int?, on_phone bool, successor bytes?
insert into certificate (id, state, last_day, person, on_phone, successor)
values (:id, :state, :last_day, :person, :on_phone, :successor)
on conflict (id) do update set state = excluded.state, last_day = excluded.last_day,
  person = coalesce(certificate.person, excluded.person), successor = excluded.successor;

-- name: certificate_add
-- in: id bytes, state int, last_day date, person int?, on_phone bool, successor bytes?
insert into certificate (id, state, last_day, person, on_phone, successor)
values (:id, :state, :last_day, :person, :on_phone, :successor);

-- name: certificate_find
-- in: id bytes
-- out: state int, last_day date, person int?, on_phone bool, successor bytes?
select state, last_day, person, on_phone, successor from certificate where id = :id;

-- name: certificate_superseded_by
-- The person of a certificate that this one took the place of.
-- in: successor bytes
-- out: person int, on_phone bool
select person, on_phone from certificate where successor = :successor and person is not null;

-- name: certificate_set_person
-- in: id bytes, person int, on_phone bool
update certificate set person = :person, on_phone = :on_phone where id = :id;

-- name: feed_position_read
-- out: through int, issued_at moment
select through, issued_at from feed_position;

-- name: feed_position_set
-- in: through int, issued_at moment
update feed_position set through = :through, issued_at = :issued_at;

-- ---- Persons ----

-- name: person_by_reference
-- in: reference bytes
-- out: person int
select person from person_reference where reference = :reference;

-- Rows are never removed from person and subscription, so on SQLite the next number is the highest and one;
-- "returning" costs it three times as much as the insert.

-- name: person_next_id
-- only: sqlite
-- row: id
-- out: id int
select coalesce(max(id), 0) + 1 as id from person;

-- name: person_next_id
-- only: postgresql
-- row: id
-- out: id int
select nextval('person_id') as id;

-- name: person_add
-- in: id int, reference bytes, enrolment int
insert into person (id, reference, enrolment) values (:id, :reference, :enrolment);

-- name: person_reference_add
-- in: reference bytes, person int
insert into person_reference (reference, person) values (:reference, :person);

-- name: person_find
-- in: id int
-- out: reference bytes, enrolment int, protection int
select reference, enrolment, protection from person where id = :id;

-- name: person_set_enrolment
-- in: id int, enrolment int
update person set enrolment = :enrolment where id = :id;

-- name: terms_find
-- row: id
-- in: version text
-- out: id int
select id from terms where version = :version;

-- name: terms_add
-- row: id
-- in: version text
-- out: id int
insert into terms (version) values (:version) returning id;

-- name: enrolment_newest_version
-- in: person int
-- out: version int
select coalesce(max(version), 0) as version from enrolment where person = :person;

-- name: enrolment_add
-- in: person int, version int, state int, recorded_at moment, place int, institution int?, form int, terms int
-- in: certificate bytes?
insert into enrolment (person, version, state, recorded_at, place, institution, form, terms, certificate)
values (:person, :version, :state, :recorded_at, :place, :institution, :form, :terms, :certificate);

-- name: enrolment_find
-- in: person int
-- out: state int, recorded_at moment, place int, institution int?, form int, terms text, certificate bytes?
select e.state as state, e.recorded_at as recorded_at, e.place as place, e.institution as institution,
  e.form as form, t.version as terms, e.certificate as certificate
from enrolment e join terms t on t.id = e.terms
where e.person = :person order by e.version desc limit 1;

-- name: declaration_next_id
-- row: id
-- out: id int
select coalesce(max(id), 0) + 1 as id from declaration;

-- name: declaration_newest
-- in: id int
-- out: version int, kind int, person int?, subscription int?
select version, kind, person, subscription from declaration where id = :id order by version desc limit 1;

-- name: declaration_add
-- in: id int, version int, kind int, state int, person int?, subscription int?, recorded_at moment
-- in: registrant int?, reason text?
insert into declaration (id, version, kind, state, person, subscription, recorded_at, registrant, reason)
values (:id, :version, :kind, :state, :person, :subscription, :recorded_at, :registrant, :reason);

-- name: declarations_about
-- in: person int, subscription int
-- out: id int, kind int, state int, person int?, subscription int?, recorded_at moment, registrant int?, reason text?
select id, kind, state, person, subscription, recorded_at, registrant, reason from declaration d
where (person = :person or subscription = :subscription)
  and version = (select max(n.version) from declaration n where n.id = d.id)
order by id;

-- define: in_force_of_kind
exists (select 1 from declaration d where d.kind =

-- define: newest_in_force
and d.state = 2 and d.version = (select max(n.version) from declaration n where n.id = d.id))

-- name: person_set_protection
-- 1 where a 不開示該当 (kind 1) is in force, 2 where a 自己情報提供不可 (kind 2) is, 3 for both.
-- in: id int
update person set protection =
  case when @in_force_of_kind 1 and d.person = :id @newest_in_force then 1 else 0 end +
  case when @in_force_of_kind 2 and d.person = :id @newest_in_force then 2 else 0 end
where id = :id;

-- name: subscription_set_protection
-- in: id int
update subscription set protection =
  case when @in_force_of_kind 1 and d.subscription = :id @newest_in_force then 1 else 0 end +
  case when @in_force_of_kind 2 and d.subscription = :id @newest_in_force then 2 else 0 end
where id = :id;

-- ---- Subscriptions ----

-- name: subscriptions_under_number
-- in: insurer int, symbol text, number text
-- out: id int, branch text, birth date
select s.id as id, s.branch as branch, k.birth as birth
from insured_key k join subscription s on s.id = k.subscription
where k.insurer = :insurer and k.symbol = :symbol and k.number = :number;

-- name: subscription_next_id
-- only: sqlite
-- row: id
-- out: id int
select coalesce(max(id), 0) + 1 as id from subscription;

-- name: subscription_next_id
-- only: postgresql
-- row: id
-- out: id int
select nextval('subscription_id') as id;

-- name: subscription_add
-- in: id int, insurer int, symbol text, number text, branch text, person int?, link int
insert into subscription (id, insurer, symbol, number, branch, person, link)
values (:id, :insurer, :symbol, :number, :branch, :person, :link);

-- name: insured_key_add
-- in: insurer int, symbol text, number text, birth date, subscription int
insert into insured_key (insurer, symbol, number, birth, subscription)
values (:insurer, :symbol, :number, :birth, :subscription)
on conflict do nothing;

-- name: subscription_find
-- in: id int
-- out: insurer int, person int?, link int
select insurer, person, link from subscription where id = :id;

-- define: stated_fields
birth date?, sex int?, name text?, kana text?, alias text?, postal_code int?, address text?, relationship int?

-- define: stated_columns
v.birth as birth, v.sex as sex, v.name as name, v.kana as kana, v.alias as alias, v.postal_code as postal_code,
v.address as address, v.relationship as relationship

-- define: coverage_fields
acquired date?, lost date?, loss_reason int?, classification int?, flags int?,
copayment int?, copayment_from date?, copayment_until date?,
elderly_issued date?, elderly_from date?, elderly_last_day date?, elderly_copayment int?,
certificate_issued date?, certificate_last_day date?

-- define: coverage_columns
c.acquired as acquired, c.lost as lost, c.loss_reason as loss_reason, c.classification as classification,
c.flags as flags, c.copayment as copayment, c.copayment_from as copayment_from, c.copayment_until as copayment_until,
c.elderly_issued as elderly_issued, c.elderly_from as elderly_from, c.elderly_last_day as elderly_last_day,
c.elderly_copayment as elderly_copayment, c.certificate_issued as certificate_issued,
c.certificate_last_day as certificate_last_day

-- group: stated = @stated_fields
-- group: coverage = @coverage_fields

-- name: stated_versions
-- Oldest first, with the state of their load.
-- in: subscription int
-- out: version int, load int?, load_state int?, stated.*, employer int?
select v.version as version, v.load as load, l.state as load_state, @stated_columns, v.employer as employer
from stated v left join load l on l.id = v.load where v.subscription = :subscription order by v.version;

-- name: stated_add
-- in: subscription int, version int, load int?, recorded_at moment?, registrant int?, stated.*, employer int?
insert into stated (subscription, version, load, recorded_at, registrant, birth, sex, name, kana, alias, postal_code,
  address, relationship, employer)
values (:subscription, :version, :load, :recorded_at, :registrant, :birth, :sex, :name, :kana, :alias, :postal_code,
  :address, :relationship, :employer);

-- name: coverage_versions
-- Everything ever known of a subscription's coverage.
-- in: subscription int
-- out: period int, version int, load int?, load_state int?, recorded_at moment, registrant int?, coverage.*
select c.period as period, c.version as version, c.load as load, l.state as load_state,
  coalesce(l.published_at, c.recorded_at, l.begun_at) as recorded_at, c.registrant as registrant, @coverage_columns
from coverage c left join load l on l.id = c.load
where c.subscription = :subscription order by c.period, c.version;

-- name: coverage_add
-- in: subscription int, period int, version int, load int?, recorded_at moment?, registrant int?
-- in: coverage.*
insert into coverage (subscription, period, version, load, recorded_at, registrant, acquired, lost, loss_reason,
  classification, flags, copayment, copayment_from, copayment_until, elderly_issued, elderly_from, elderly_last_day,
  elderly_copayment, certificate_issued, certificate_last_day)
values (:subscription, :period, :version, :load, :recorded_at, :registrant, :acquired, :lost, :loss_reason,
  :classification, :flags, :copayment, :copayment_from, :copayment_until, :elderly_issued, :elderly_from,
  :elderly_last_day, :elderly_copayment, :certificate_issued, :certificate_last_day);

-- ---- Links ----

-- name: subscription_set_link
-- in: id int, person int, link int
update subscription set person = :person, link = :link where id = :id;

-- name: person_subscription_add
-- in: person int, subscription int
insert into person_subscription (person, subscription) values (:person, :subscription) on conflict do nothing;

-- define: link_fields
version int, person int, state int, recorded_at moment, registrant int?, evidence int?, reason text?

-- name: link_newest
-- row: link
-- in: subscription int
-- out: @link_fields
select version, person, state, recorded_at, registrant, evidence, reason from link
where subscription = :subscription order by version desc limit 1;

-- name: links
-- row: link
-- in: subscription int
-- out: @link_fields
select version, person, state, recorded_at, registrant, evidence, reason from link
where subscription = :subscription order by version;

-- name: link_add
-- in: subscription int, version int, person int, state int, recorded_at moment, registrant int?, evidence int?, reason text?
insert into link (subscription, version, person, state, recorded_at, registrant, evidence, reason)
values (:subscription, :version, :person, :state, :recorded_at, :registrant, :evidence, :reason);

-- ---- Loads ----

-- name: load_add
-- row: id
-- in: public_id bytes, insurer int, begun_at moment
-- out: id int
insert into load (public_id, insurer, state, begun_at) values (:public_id, :insurer, 1, :begun_at) returning id;

-- define: load_fields
id int, public_id bytes, insurer int, state int, begun_at moment, published_at moment?, undone_at moment?, received int,
new_subscriptions int, new_periods int, changed int, unchanged int

-- define: load_columns
id, public_id, insurer, state, begun_at, published_at, undone_at, received, new_subscriptions, new_periods, changed,
unchanged

-- name: load_by_public_id
-- row: load
-- in: public_id bytes
-- out: @load_fields
select @load_columns from load where public_id = :public_id;

-- name: load_by_id
-- row: load
-- in: id int
-- out: @load_fields
select @load_columns from load where id = :id;

-- name: load_count
-- in: id int, received int, new_subscriptions int, new_periods int, changed int, unchanged int
update load set received = :received, new_subscriptions = :new_subscriptions, new_periods = :new_periods,
  changed = :changed, unchanged = :unchanged where id = :id;

-- name: load_set_published
-- in: id int, published_at moment
update load set state = 2, published_at = :published_at where id = :id and state = 1;

-- name: load_set_undone
-- in: id int, undone_at moment
update load set state = 3, undone_at = :undone_at where id = :id and state <> 3;

-- ---- What goes out ----

-- name: outbox_add
-- in: event_id bytes, payload bytes, created_at moment
insert into outbox (event_id, payload, created_at) values (:event_id, :payload, :created_at);

-- name: outbox_oldest
-- in: most int
-- out: id int, event_id bytes, payload bytes, created_at moment
select id, event_id, payload, created_at from outbox order by id limit :most;

-- name: outbox_remove
-- in: id int
delete from outbox where id = :id;

-- ---- Checks ----
--
-- One statement each, whose rows hold whatever the decision needs. The state of the machine certificate and of
-- its holder stand in every row, and in a row of their own where nothing else was found. Of each subscription the
-- newest visible version of what is stated about the person, and every version of its coverage with the state of
-- its load: versions are few, and which of them counts is decided in one place (stored.h).

-- define: fact_fields
subscription int?, link int?, person int?, enrolment int?, person_protection int?, subscription_protection int?,
insurer int?, insurer_name text?, symbol text?, number text?, branch text?,
stated.*, period int?, version int?, load int?, load_state int?, coverage.*, visible_at moment?, registrant text?

-- define: fact_columns
s.id as subscription, s.link as link, p.id as person, p.enrolment as enrolment, p.protection as person_protection,
s.protection as subscription_protection,
s.insurer as insurer, i.name as insurer_name, s.symbol as symbol, s.number as number, s.branch as branch,
@stated_columns, c.period as period, c.version as version, c.load as load, l.state as load_state, @coverage_columns,
coalesce(l.published_at, c.recorded_at) as visible_at, r.name as registrant

-- define: fact_joins
left join insurer i on i.number = s.insurer
left join stated v on v.subscription = s.id and v.version = (
  select n.version from stated n left join load m on m.id = n.load
  where n.subscription = s.id and (n.load is null or m.state = 2) order by n.version desc limit 1)
left join coverage c on c.subscription = s.id
left join load l on l.id = c.load
left join registrant r on r.id = c.registrant

-- define: caller_fields
heard_at moment, machine_state int?, machine_last_day date?, institution_active bool?,
terminal_state int?, terminal_last_day date?,
certificate_state int?, certificate_term_last_day date?, on_phone bool?,
holder int?, holder_enrolment int?, holder_protection int?

-- define: caller_columns
f.issued_at as heard_at, a.state as machine_state, a.last_day as machine_last_day,
b.active as institution_active

-- define: caller_joins
feed_position f
left join machine_certificate a on a.id = :machine
left join institution b on b.code = :institution

-- name: caller_find
-- Only the caller's own: for what asks about nobody.
-- in: machine bytes, institution int
-- out: heard_at moment, machine_state int?, machine_last_day date?, institution_active bool?
select @caller_columns from @caller_joins;

-- define: nothing
cast(null as bigint)

-- define: no_card
@nothing as terminal_state, @nothing as terminal_last_day,
@nothing as certificate_state, @nothing as certificate_term_last_day, cast(null as boolean) as on_phone,
@nothing as holder, @nothing as holder_enrolment, @nothing as holder_protection

-- name: check_by_number
-- Every candidate under the number with that birth date, and every other subscription of the persons behind them.
-- row: check
-- in: insurer int, symbol text, number text, birth date, machine bytes, institution int
-- out: @caller_fields, @fact_fields
select @caller_columns,
  @no_card,
  @fact_columns
from @caller_joins
left join insured_key k on k.insurer = :insurer and k.symbol = :symbol and k.number = :number and k.birth = :birth
left join subscription o on o.id = k.subscription
left join person_subscription q on q.person = o.person
left join subscription s on s.id = coalesce(q.subscription, o.id) and (s.id = o.id or s.person = o.person)
left join person p on p.id = s.person
@fact_joins;

-- name: check_by_card
-- Everything that is linked, in any state, to the person who holds the certificate.
-- row: check
-- in: certificate bytes, machine bytes, institution int, terminal bytes?
-- out: @caller_fields, @fact_fields
select @caller_columns,
  t.state as terminal_state, t.last_day as terminal_last_day,
  h.state as certificate_state, h.last_day as certificate_term_last_day, h.on_phone as on_phone,
  p.id as holder, p.enrolment as holder_enrolment, p.protection as holder_protection,
  @fact_columns
from @caller_joins
left join terminal t on t.id = :terminal
left join certificate h on h.id = :certificate
left join person p on p.id = h.person
left join person_subscription q on q.person = p.id
left join subscription s on s.id = q.subscription and s.person = p.id
@fact_joins;

-- name: subscription_facts
-- As a check would see one subscription; nothing of a caller.
-- row: check
-- in: subscription int
-- out: @caller_fields, @fact_fields
select cast(0 as bigint) as heard_at, @nothing as machine_state, @nothing as machine_last_day,
  cast(null as boolean) as institution_active, @no_card,
  @fact_columns
from subscription s
left join person p on p.id = s.person
@fact_joins
where s.id = :subscription
order by c.acquired;
