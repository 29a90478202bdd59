insert into counter (value) values (0);
create table numbered (id bigint generated always as identity primary key, label text collate "C" not null unique);
