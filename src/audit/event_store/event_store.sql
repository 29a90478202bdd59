-- The event log in a database that several machines share.

-- name: event_add
-- No row: an event of this id is there already.
-- in: event_id bytes, happened_at moment, kind int, outcome int, party int, code text, certificate_id bytes
-- in: used_key bytes?, key_expires_at moment, request_hash bytes, leaf bytes, salt bytes, personal bytes
-- in: person int?, visit_hash bytes?, visit_expires_at moment
-- out: sequence int
insert into event (event_id, happened_at, kind, outcome, party, code, certificate_id, used_key, key_expires_at,
    request_hash, leaf, salt, personal, person, visit_hash, visit_expires_at)
values (:event_id, :happened_at, :kind, :outcome, :party, :code, :certificate_id, :used_key, :key_expires_at,
    :request_hash, :leaf, :salt, :personal, :person, :visit_hash, :visit_expires_at)
on conflict (event_id) do nothing
returning sequence;

-- name: newest_find
-- out: sequence int
select sequence from event order by sequence desc limit 1;

-- name: sequence_of_id
-- in: event_id bytes
-- out: sequence int
select sequence from event where event_id = :event_id;

-- name: sequence_of_visit
-- in: visit_hash bytes
-- out: sequence int
select sequence from event where visit_hash = :visit_hash;

-- name: event_find
-- in: sequence int
-- out: event_id bytes, happened_at moment, kind int, outcome int, party int, code text, certificate_id bytes
-- out: used_key bytes?, key_expires_at moment, request_hash bytes, leaf bytes, salt bytes?, personal bytes?
select event_id, happened_at, kind, outcome, party, code, certificate_id, used_key, key_expires_at, request_hash,
    leaf, salt, personal
from event where sequence = :sequence;

-- name: person_events
-- Newest first.
-- in: person int, newest int, most int
-- out: sequence int
select sequence from event where person = :person and sequence <= :newest order by sequence desc limit :most;

-- name: key_add
-- No row changed: somebody has the key.
-- in: key bytes, claimant bytes, expires_at moment, claimed_at moment
insert into used_key (key, claimant, expires_at, claimed_at, sequence)
values (:key, :claimant, :expires_at, :claimed_at, 0)
on conflict (key) do nothing;

-- name: key_find
-- in: key bytes
-- out: claimant bytes, claimed_at moment, sequence int
select claimant, claimed_at, sequence from used_key where key = :key;

-- name: key_set
-- in: key bytes, claimant bytes, claimed_at moment, sequence int
update used_key set claimant = :claimant, claimed_at = :claimed_at, sequence = :sequence where key = :key;

-- name: key_unclaim
-- in: key bytes
delete from used_key where key = :key and sequence = 0;

-- name: keys_forget
-- in: before moment
delete from used_key where expires_at < :before;
