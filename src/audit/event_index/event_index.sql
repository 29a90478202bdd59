-- What is looked up in the event log that lies in segment files. Everything here can be made again from the
-- log.

-- name: position_find
-- The next event to index, and where it is looked for.
-- out: sequence int, segment int, segment_offset int
select sequence, segment, segment_offset from index_position;

-- name: position_set
-- in: sequence int, segment int, segment_offset int
insert into index_position (one, sequence, segment, segment_offset)
values (1, :sequence, :segment, :segment_offset)
on conflict (one) do update
    set sequence = excluded.sequence, segment = excluded.segment, segment_offset = excluded.segment_offset;

-- name: place_add
-- in: event_id bytes, sequence int, segment int, segment_offset int
insert into event_place (event_id, sequence, segment, segment_offset)
values (:event_id, :sequence, :segment, :segment_offset) on conflict do nothing;

-- name: place_find
-- in: event_id bytes
-- out: sequence int, segment int, segment_offset int
select sequence, segment, segment_offset from event_place where event_id = :event_id;

-- name: person_add
-- in: person int, sequence int
insert into person_event (person, sequence) values (:person, :sequence) on conflict do nothing;

-- name: person_events
-- Newest first.
-- in: person int, newest int, most int
-- out: sequence int
select sequence from person_event where person = :person and sequence <= :newest
order by sequence desc limit :most;

-- name: visit_add
-- in: token_hash bytes, sequence int, event_id bytes, party int, code text, certificate_id bytes, person int
-- in: subscription int, expires_at moment
insert into visit (token_hash, sequence, event_id, party, code, certificate_id, person, subscription, expires_at)
values (:token_hash, :sequence, :event_id, :party, :code, :certificate_id, :person, :subscription, :expires_at)
on conflict do nothing;

-- name: visit_find
-- in: token_hash bytes
-- out: sequence int, event_id bytes, party int, code text, certificate_id bytes, person int
-- out: subscription int, expires_at moment
select sequence, event_id, party, code, certificate_id, person, subscription, expires_at
from visit where token_hash = :token_hash;

-- name: visits_forget
-- in: before moment
delete from visit where expires_at < :before;

-- name: places_clear
delete from event_place;

-- name: persons_clear
delete from person_event;

-- name: visits_clear
delete from visit;

-- name: position_clear
delete from index_position;
