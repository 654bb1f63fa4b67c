CREATE TABLE record (
  seq       integer primary key,
  at        integer not null,
  kind      text    not null,
  subject   text    not null,
  simulated integer not null check (simulated in (0, 1)),
  body      text    not null,
  prev      blob    not null check (length(prev) = 32),
  hash      blob    not null check (length(hash) = 32),
  sig       blob    not null check (length(sig) = 64)
) strict;

CREATE TABLE sample_day (
  series     integer not null references series (id),
  at         integer not null,
  mean       real    not null,
  min        real    not null,
  max        real    not null,
  sum        real    not null,
  provenance integer not null,
  known      real    not null check (known > 0),
  primary key (series, at)
) strict, without rowid;

CREATE TABLE sample_hour (
  series     integer not null references series (id),
  at         integer not null,
  mean       real    not null,
  min        real    not null,
  max        real    not null,
  sum        real    not null,
  provenance integer not null,
  known      real    not null check (known > 0),
  primary key (series, at)
) strict, without rowid;

CREATE TABLE sample_minute (
  series     integer not null references series (id),
  at         integer not null,
  mean       real    not null,
  min        real    not null,
  max        real    not null,
  sum        real    not null,
  provenance integer not null,
  known      real    not null check (known > 0),
  primary key (series, at)
) strict, without rowid;

CREATE TABLE series (
  id      integer primary key,
  subject text not null,
  metric  text not null,
  unique (subject, metric)
) strict;

CREATE TABLE setting (
  key   text primary key,
  value blob not null
) strict, without rowid;

CREATE INDEX record_at on record (at);

CREATE INDEX record_kind on record (kind, seq);

CREATE INDEX record_subject on record (subject, seq);

