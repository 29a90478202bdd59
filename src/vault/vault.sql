-- name: record_by_lookup
-- Which reference belongs to a number.
-- in: lookup bytes
-- out: reference bytes
select reference from record where lookup = :lookup;

-- name: record_by_reference
-- The sealed number of a reference.
-- in: reference bytes
-- out: sealed bytes
select sealed from record where reference = :reference;

-- name: record_add
-- A number seen for the first time; nothing happens where it is there already.
-- in: reference bytes, lookup bytes, sealed bytes, created_at moment
insert into record (reference, lookup, sealed, created_at)
  values (:reference, :lookup, :sealed, :created_at) on conflict (lookup) do nothing;

-- name: record_count
-- How many numbers are kept.
-- in:
-- out: records int
select count(*) as records from record;
