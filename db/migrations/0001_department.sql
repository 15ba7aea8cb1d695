-- The department itself: sites, rooms, devices, people, catalogue, policies, destinations and its clock.
-- Everything here changes while the department runs, so it is rows, never environment.

create table sites (
  id text primary key check (id ~ '^[A-Z0-9_-]{1,16}$'),
  name text not null,
  zone text not null,                       -- IANA time zone; DICOM DA/TM and HL7 TS without zone are read in it
  calendar jsonb not null default '{}'      -- weekly windows and holidays of the site's business time
);

create table rooms (
  id text primary key,
  site_id text not null references sites,
  name text not null,
  modality text not null,
  position integer not null default 0
);

create table devices (
  id text primary key,
  ae_title text not null unique check (length(ae_title) between 1 and 16),
  site_id text not null references sites,
  room_id text references rooms,            -- null: a tool or an archive, not a scanner
  kind text not null check (kind in ('modality', 'tool', 'archive')),
  modality text,
  profile text not null check (profile in ('full', 'mpps', 'store', 'unknown')),
  host text,                                -- where it listens (move destination, commitment reports)
  port integer,
  allowed_addresses text[] not null default '{}',   -- CIDR; empty: any
  policy jsonb not null default '{}',
  enabled boolean not null default true
);

-- Business time = base_department + (machine time - base_machine) * rate. One row.
create table department_clock (
  "only" boolean primary key default true check ("only"),
  base_machine timestamptz not null,
  base_department timestamptz not null,
  rate double precision not null check (rate > 0)
);

create table policies (
  version integer primary key,
  body jsonb not null,
  approved_by text not null,
  approved_at timestamptz not null
);

create table catalogue (
  code text not null,
  scheme text not null,                     -- coding scheme designator (HL7 OBR-4.3, DICOM 0008,0102)
  short_name text not null check (length(short_name) <= 30),
  name text not null,
  loinc text,
  rpid text,                                -- RadLex Playbook id
  modality text not null,
  area text not null,
  slot_minutes integer not null,
  prep_minutes integer not null default 0,
  gates text[] not null default '{}',
  preparation text,
  protocolling text not null check (protocolling in ('rule', 'reader')),
  body_part text,
  protocol_code text,
  protocol_name text,
  primary key (scheme, code)
);

create table users (
  id text primary key,
  user_name text not null unique,
  name text not null,                       -- as shown to people
  family text not null,
  given text not null,
  prefix text,
  degree text,
  password_hash text not null,              -- argon2id, PHC string
  roles text[] not null,
  sites text[] not null,
  areas text[] not null default '{}',
  credentials jsonb not null default '[]',           -- [{name, site, validUntil}]
  enabled boolean not null default true,
  failed_sign_ins integer not null default 0,
  locked_until timestamptz,
  settings jsonb not null default '{}',
  created_at timestamptz not null
);

create table sessions (
  token_hash text primary key,              -- SHA-256 of the cookie; the cookie itself is never stored
  id text not null unique,                  -- what audit and launches name
  user_id text not null references users,
  created_at timestamptz not null,
  last_seen_at timestamptz not null,
  expires_at timestamptz not null,
  ended_at timestamptz
);
create index sessions_user on sessions (user_id) where ended_at is null;

create table api_tokens (
  token_hash text primary key,
  id text not null unique,
  name text not null,
  role text not null,
  sites text[] not null,
  created_by text not null,
  created_at timestamptz not null,
  last_used_at timestamptz,
  revoked_at timestamptz
);

create table destinations (
  id text primary key,
  name text not null,
  kind text not null check (kind in ('hl7-oru', 'dicom-sr')),
  host text not null,
  port integer not null,
  receiving_application text not null default '',
  receiving_facility text not null default '',
  required boolean not null default true,   -- counts for phase 'delivered'
  filter jsonb not null default '{}',
  policy jsonb not null default '{}',
  enabled boolean not null default true,
  retired_at timestamptz
);

-- Where HL7 comes from: what a sender is the authority for (identity of a connection: MSH-3, MSH-4).
create table connections (
  id text primary key,
  sending_application text,                 -- null: any
  sending_facility text,
  site_id text not null references sites,
  policy jsonb not null default '{}'
);

-- Every `config apply` is a version with who and when.
create table config_versions (
  version bigint generated always as identity primary key,
  body jsonb not null,
  applied_by text not null,
  applied_at timestamptz not null,
  rolled_back_from bigint
);

-- Numbers minted here: accession, requested procedure, step, message control id, UIDs.
create sequence accession_numbers;
create sequence filler_numbers;
create sequence requested_procedure_numbers;
create sequence step_numbers;
create sequence control_numbers;
create sequence uid_numbers;
create table minting (
  "only" boolean primary key default true check ("only"),
  uid_root text not null check (uid_root ~ '^[0-9.]{3,40}$'),
  accession_prefix text not null check (length(accession_prefix) <= 4),
  accession_issuer text not null,
  filler_authority text not null,
  control_prefix text not null check (length(control_prefix) <= 4)
);
