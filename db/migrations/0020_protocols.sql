-- The protocol library: what a scanner is to do for a procedure, in versions; one of them is the procedure's default.

create table protocols (
  id text not null,                             -- of the protocol; the same through its versions
  version integer not null check (version >= 1),
  scheme text not null,
  code text not null,
  protocol_code text not null check (length(protocol_code) between 1 and 16),   -- (0040,0008) > (0008,0100)
  name text not null check (length(name) between 1 and 64),                     -- (0008,0104)
  parameters jsonb not null default '[]',       -- [{name, value, unit}]
  aliases text[] not null default '{}',         -- codes and names under which scanners report it (0040,0260)
  retired boolean not null default false,
  made_by text not null,
  made_at timestamptz not null,
  primary key (id, version),
  foreign key (scheme, code) references catalogue (scheme, code)
);
create index protocols_procedure on protocols (scheme, code);

-- The newest row of a procedure counts.
create table protocol_defaults (
  scheme text not null,
  code text not null,
  protocol_id text not null,
  set_by text not null,
  set_at timestamptz not null,
  position bigint generated always as identity,
  primary key (scheme, code, position)
);

create view current_protocols as
  select p.*, p.id = (select d.protocol_id from protocol_defaults d where d.scheme = p.scheme and d.code = p.code
    order by d.position desc limit 1) is true as is_default
  from protocols p where p.version = (select max(v.version) from protocols v where v.id = p.id) and not p.retired;

-- Which version was planned; null: the order's own words, or the catalogue's.
alter table steps add column protocol_id text, add column protocol_version integer,
  add constraint steps_protocol foreign key (protocol_id, protocol_version) references protocols (id, version);

-- What a department hangs on a procedure beside its time at the scanner.
alter table catalogue
  add column rvu numeric(6, 2) check (rvu >= 0),
  add column sla_minutes integer check (sla_minutes > 0),            -- available to final, routine; null: the policy's
  add column retention_years integer check (retention_years > 0);    -- null: the rules of retention
