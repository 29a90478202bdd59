create table thing (id bigint primary key, flag boolean, seen bigint, born integer, label text collate "C", secret bytea,
    check (id <> 13));
create table pair (greater bigint not null, lesser bigint not null);
create table counter (value bigint not null);
