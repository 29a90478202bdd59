-- name: thing_put
-- in: id int, flag bool, seen moment, born date, label text, secret bytes
insert into thing (id, flag, seen, born, label, secret) values (:id, :flag, :seen, :born, :label, :secret);

-- name: thing_put_partly
-- in: id int, flag bool?, seen moment?, born date?, label text?, secret bytes?
insert into thing (id, flag, seen, born, label, secret) values (:id, :flag, :seen, :born, :label, :secret);

-- name: thing_find
-- in: id int
-- out: flag bool, seen moment, born date, label text, secret bytes
select flag, seen, born, label, secret from thing where id = :id;

-- name: thing_find_partly
-- in: id int
-- out: flag bool?, seen moment?, born date?, label text?, secret bytes?
select flag, seen, born, label, secret from thing where id = :id;

-- name: things
-- out: id int, label text?
select id, label from thing order by id;

-- name: things_by_label
-- out: label text
select label from thing where label is not null order by label;

-- name: thing_by_secret
-- in: secret bytes
-- out: id int
select id from thing where secret = :secret;

-- name: pair_put
-- The declaration has another order than the text.
-- in: lesser int, greater int
insert into pair (greater, lesser) values (:greater, :lesser);

-- name: pair_find
-- in: lesser int, greater int
-- out: greater int, lesser int
select greater, lesser from pair
where greater = :greater and lesser = :lesser and :lesser < :greater and '?1 $1 :x ''' <> ':lesser';

-- name: things_where_stated
-- Each condition counts only where its parameter is given.
-- in: born date?, label text?, flag bool?, secret bytes?, id int?
-- out: id int
select id from thing
where (:born is null or born = :born) and (:label is null or label = :label) and (:flag is null or flag = :flag)
  and (:secret is null or secret = :secret) and (:id is null or id = :id)
order by id;

-- name: thing_remove
-- in: id int
delete from thing where id = :id;

-- name: counter_read
-- out: value int
select value from counter;

-- name: counter_set
-- in: value int
update counter set value = :value;

-- name: numbered_add
-- in: label text
-- out: id int
insert into numbered (label) values (:label) returning id;

-- name: divide
-- in: dividend int, divisor int
-- out: quotient int?
-- only: postgresql
select :dividend / :divisor as quotient;

-- name: divide
-- in: dividend int, divisor int
-- out: quotient int?
-- only: sqlite
select abs(case :divisor when 0 then -9223372036854775807 - 1 else :dividend / :divisor end) as quotient;

-- name: slow
-- in: milliseconds int
-- out: one int
-- only: postgresql
select 1 as one from pg_sleep(:milliseconds / 1000.0);

-- name: slow
-- in: milliseconds int
-- out: one int
-- only: sqlite
select 1 as one where :milliseconds >= 0;
