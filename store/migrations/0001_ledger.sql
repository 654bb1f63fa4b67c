-- The records of the ledger: see spec/ledger.md. Times are nanoseconds since
-- 1970 in UTC.
create table record (
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

create index record_kind on record (kind, seq);
create index record_subject on record (subject, seq);
create index record_at on record (at);

-- What Hearth remembers between two runs.
create table setting (
  key   text primary key,
  value blob not null
) strict, without rowid;

-- A metric of a subject, so that samples need not spell it out.
create table series (
  id      integer primary key,
  subject text not null,
  metric  text not null,
  unique (subject, metric)
) strict;

-- Samples by minute, hour and local day. Times are seconds since 1970 in UTC
-- of the start of the span; known is how many seconds of it are known.
-- A span of which nothing is known has no row.
create table sample_minute (
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

create table sample_hour (
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

create table sample_day (
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
