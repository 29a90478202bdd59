insert into counter (value) values (0);
create table numbered (id integer primary key, label text not null unique) strict;
