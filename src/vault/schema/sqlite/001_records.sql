-- lookup: HMAC of the number under a key of its own; sealed: the number, AES-256-GCM, bound to the reference.
create table record (
  reference blob primary key check (length(reference) = 16),
  lookup blob not null unique check (length(lookup) = 32),
  sealed blob not null,
  created_at integer not null
) strict, without rowid;
