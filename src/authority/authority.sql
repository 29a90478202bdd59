-- name: counter_take
-- The last of :count numbers, which are the caller's.
-- in: name text, count int
-- out: value int
update counter set value = value + :count where name = :name returning value;

-- name: counter_read
-- in: name text
-- out: value int
select value from counter where name = :name;

-- name: resident_add
-- in: id int, my_number int, name text, kana text, alias text, birth date, sex int, address text
-- in: municipality text, has_photo bool, state int
insert into resident (id, my_number, name, kana, alias, birth, sex, address, municipality, has_photo, state)
values (:id, :my_number, :name, :kana, :alias, :birth, :sex, :address, :municipality, :has_photo, :state);

-- name: resident_by_number
-- in: my_number int
-- out: id int
select id from resident where my_number = :my_number;

-- name: resident_by_id
-- in: id int
-- out: id int, my_number int, name text, kana text, alias text, birth date, sex int, address text
-- out: municipality text, has_photo bool, state int
select id, my_number, name, kana, alias, birth, sex, address, municipality, has_photo, state
from resident where id = :id;

-- name: certificate_add
-- in: id bytes, sequence int, issuer int, serial bytes, device int, resident int, card int, state int
-- in: not_before moment, not_after moment, successor bytes?, key_hash bytes?
insert into card_certificate (key, id, sequence, issuer, serial, device, resident, card, state, not_before,
                              not_after, successor, key_hash)
values (:sequence, :id, :sequence, :issuer, :serial, :device, :resident, :card, :state, :not_before,
        :not_after, :successor, :key_hash);

-- name: certificate_find
-- in: id bytes
-- out: key int, issuer int, device int, resident int, card int, state int, not_after moment
select key, issuer, device, resident, card, state, not_after from card_certificate where id = :id;

-- name: certificates_of_resident
-- Newest card first, in order of issue on it.
-- in: resident int
-- out: key int, id bytes, issuer int, serial bytes, device int, card int, state int, not_before moment
-- out: not_after moment, successor bytes?, key_hash bytes?
select key, id, issuer, serial, device, card, state, not_before, not_after, successor, key_hash
from card_certificate where resident = :resident order by card desc, key;

-- name: certificate_fulfil
-- A promised certificate is made. Its state is what it was: the feed has nothing to tell.
-- in: key int, key_hash bytes
update card_certificate set key_hash = :key_hash where key = :key and key_hash is null;

-- name: certificate_move
-- in: key int, state int, successor bytes?, sequence int
update card_certificate set state = :state, successor = :successor, sequence = :sequence where key = :key;

-- name: certificates_past_their_end
-- in: now moment, limit int
-- out: key int
select key from card_certificate where state in (1, 2) and not_after < :now order by not_after, key
limit :limit;

-- name: machine_add
-- in: id bytes, sequence int, serial bytes, kind int, code text, not_before moment, not_after moment
insert into machine_certificate (id, sequence, serial, kind, code, state, not_before, not_after)
values (:id, :sequence, :serial, :kind, :code, 1, :not_before, :not_after);

-- name: machine_find
-- in: id bytes
-- out: kind int, code text, state int, not_after moment
select kind, code, state, not_after from machine_certificate where id = :id;

-- name: machine_move
-- in: id bytes, state int, sequence int
update machine_certificate set state = :state, sequence = :sequence where id = :id;

-- name: machines_past_their_end
-- in: now moment, limit int
-- out: id bytes
select id from machine_certificate where state in (1, 2) and not_after < :now order by id limit :limit;

-- name: terminal_last_number
-- in: institution text
-- out: number int
select coalesce(max(number), 0) as number from terminal where institution = :institution;

-- name: terminal_add
-- in: id bytes, sequence int, institution text, number int, issued_at moment, not_after moment
insert into terminal (id, sequence, institution, number, state, issued_at, not_after)
values (:id, :sequence, :institution, :number, 1, :issued_at, :not_after);

-- name: terminal_find
-- in: id bytes
-- out: institution text, state int, not_after moment
select institution, state, not_after from terminal where id = :id;

-- name: terminal_move
-- in: id bytes, state int, sequence int
update terminal set state = :state, sequence = :sequence where id = :id;

-- name: terminals_past_their_end
-- in: now moment, limit int
-- out: id bytes
select id from terminal where state in (1, 2) and not_after < :now order by id limit :limit;

-- name: changes_after
-- Everything whose latest change lies behind a sequence, oldest first: the state feed.
-- in: after int, limit int
-- out: sequence int, kind int, id bytes, state int, not_after moment, successor bytes?
select sequence, kind, id, state, not_after, successor from (
    select * from (select sequence, cast(1 as bigint) as kind, id, state, not_after, successor
                   from card_certificate where sequence > :after order by sequence limit :limit) as card
    union all
    select * from (select sequence, cast(2 as bigint) as kind, id, state, not_after, null as successor
                   from machine_certificate where sequence > :after order by sequence limit :limit) as machine
    union all
    select * from (select sequence, cast(3 as bigint) as kind, id, state, not_after, null as successor
                   from terminal where sequence > :after order by sequence limit :limit) as terminal
) as change order by sequence limit :limit;

-- name: vault_key_add
-- in: registered_at moment, spki bytes
insert into vault_key (registered_at, spki) values (:registered_at, :spki);

-- name: vault_key_newest
-- out: spki bytes
select spki from vault_key order by registered_at desc limit 1;
