create table thing (id integer primary key, flag integer, seen integer, born integer, label text, secret blob,
    check (id <> 13)) strict;
create table pair (greater integer not null, lesser integer not null) strict;
create table counter (value integer not null) strict;
