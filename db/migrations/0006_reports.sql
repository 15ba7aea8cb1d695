-- Reports, their immutable versions, and one delivery per version and destination.

create table reports (
  id text primary key,
  order_id text not null references orders,       -- the order it was begun from
  site_id text not null references sites,
  state text not null default 'DRAFT' check (state in
    ('DRAFT', 'WET_READ', 'PRELIM', 'PENDING_SIGN', 'SIGN_REJECTED', 'FINAL', 'ADDENDED', 'CORRECTED', 'CANCELLED')),
  author_id text references users,
  submissions integer not null default 0,
  submitted_at timestamptz,
  sent_back_at timestamptz,
  watchdogs_answered integer not null default 0,
  amendment text check (amendment in ('addendum', 'correction')),
  amendment_opened_at timestamptz,
  created_at timestamptz not null
);

create table report_procedures (
  report_id text not null references reports,
  procedure_id text not null references procedures,
  primary key (report_id, procedure_id)
);
create index report_procedures_procedure on report_procedures (procedure_id);

create table report_drafts (
  report_id text primary key references reports,
  content jsonb not null,                         -- {sections: {findings, impression, …}} plain text with line breaks
  saved_by text not null references users,
  saved_at timestamptz not null,
  fence integer not null,
  revision integer not null default 1
);

create table stray_drafts (
  id text primary key,
  report_id text not null references reports,
  content jsonb not null,
  written_by text not null references users,
  at timestamptz not null,
  fence integer not null
);

create table report_versions (
  report_id text not null references reports,
  version integer not null,                       -- dense from 1
  kind text not null check (kind in ('wet-read', 'preliminary', 'final', 'addendum', 'correction', 'withdrawal')),
  content jsonb not null,
  content_hash text not null,
  author_id text not null references users,
  signer_id text references users,
  signed_at timestamptz,
  reauthenticated boolean not null default false,
  item_id text references work_items,
  fence integer,
  created_at timestamptz not null,
  released_at timestamptz,
  recalled_at timestamptz,
  recall_until timestamptz,
  primary key (report_id, version),
  check (released_at is null or recalled_at is null)
);

-- A version's content never changes; only its release or recall is recorded, once.
create function report_versions_immutable() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then raise exception 'report versions are immutable'; end if;
  if (old.content, old.content_hash, old.kind, old.author_id, old.signer_id, old.signed_at, old.version, old.report_id)
     is distinct from
     (new.content, new.content_hash, new.kind, new.author_id, new.signer_id, new.signed_at, new.version, new.report_id)
     or (old.released_at is not null and new.released_at is distinct from old.released_at)
     or (old.recalled_at is not null and new.recalled_at is distinct from old.recalled_at) then
    raise exception 'report versions are immutable';
  end if;
  return new;
end $$;
create trigger report_versions_immutable before update or delete on report_versions
  for each row execute function report_versions_immutable();

create table deliveries (
  id text primary key,
  report_id text not null,
  version integer not null,
  destination_id text not null references destinations,
  order_id text not null references orders,
  patient_id text not null references patients,   -- lane = destination + patient
  lane_position bigint generated always as identity,
  required boolean not null,
  message_type text not null,
  control_id text not null unique check (length(control_id) <= 20),   -- for life
  bytes bytea,                                    -- rendered once, at the first attempt
  state text not null default 'waiting' check (state in ('waiting', 'sent', 'unknown', 'acknowledged', 'parked')),
  attempts integer not null default 0,
  released_at timestamptz not null,
  first_sent_at timestamptz,
  last_attempt_at timestamptz,
  next_attempt_at timestamptz,                    -- machine clock
  first_error_at timestamptz,                     -- machine clock; first AE: after an hour it is parked
  acknowledged_at timestamptz,
  last_answer text,                               -- AA, AE, AR … or timeout, lost, refused; never content
  parked_reason text,
  unique (report_id, version, destination_id, order_id),   -- a report over two orders tells each accession
  foreign key (report_id, version) references report_versions (report_id, version)
);
create index deliveries_lane on deliveries (destination_id, patient_id, lane_position) where state <> 'acknowledged';
create index deliveries_order on deliveries (order_id);
