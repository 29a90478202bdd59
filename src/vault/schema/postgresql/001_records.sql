-- lookup: HMAC of the number under a key of its own; sealed: the number, AES-256-GCM, bound to the reference.
create table record (
  reference bytea primary key check (octet_length(reference) = 16),
  lookup bytea not null unique check (octet_length(lookup) = 32),
  sealed bytea not null,
  created_at bigint not null
);
