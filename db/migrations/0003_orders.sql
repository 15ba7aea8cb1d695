-- Orders and what happened to them: messages as received, service request, requested procedures,
-- scheduled and performed steps, and the hash-chained events from which everything can be rebuilt.

create table inbound_messages (
  id text primary key,
  connection_id text,
  sending_application text not null default '',   -- MSH-3
  sending_facility text not null default '',      -- MSH-4
  control_id text,                                -- MSH-10; null: not readable
  message_type text,
  content_hash text not null,                     -- without MSH-7, MSH-8, MSH-13
  raw bytea not null,
  received_at timestamptz not null,
  peer text not null default '',
  outcome text not null check (outcome in ('AA', 'AE', 'AR', 'CA', 'CE', 'CR', 'none')),
  error_code text,                                -- ours, from the closed list of refusals
  acknowledgement bytea,
  repeats integer not null default 0,
  last_repeat_at timestamptz
);
create unique index inbound_messages_identity
  on inbound_messages (sending_application, sending_facility, control_id)
  where control_id is not null and outcome in ('AA', 'CA');
create index inbound_messages_control on inbound_messages (control_id);
create index inbound_messages_received on inbound_messages (received_at desc);

create table orders (
  id text primary key,                            -- ULID; the workflow is order-<id>
  site_id text not null references sites,
  patient_id text not null references patients,
  placer_number text,
  placer_authority text,
  filler_number text not null unique,
  filler_authority text not null,
  accession text not null check (length(accession) <= 16),
  accession_issuer text not null,
  priority text not null check (priority in ('stat', 'urgent', 'routine')),
  priority_word text,                             -- the sender's own word, kept (P, T, ASAP …)
  patient_class text not null default 'outpatient' check (patient_class in ('emergency', 'intensive-care', 'inpatient', 'outpatient', 'screening')),
  location text,
  visit_number text,
  requester jsonb,                                -- {id, family, given, prefix, authority, phone}
  copies_to jsonb not null default '[]',
  reason text,
  notes text,
  patient_as_received jsonb,                      -- PID as this message said it
  sending_application text,
  sending_facility text,
  content_hash text,                              -- of the order's own content: a repeat under a new control id
  policy_version integer not null references policies,
  received_at timestamptz not null,
  end_kind text check (end_kind in ('cancelled', 'discontinued')),
  ended_at timestamptz,
  stop_asked_at timestamptz,
  closed_at timestamptz,
  phase text not null default 'ordered',
  rev integer not null default 0,
  last_hash text not null default '',
  relayed_rev integer not null default 0,         -- the newest rev the order's workflow was told of
  settled_rev integer not null default 0,         -- the newest rev whose next work was opened
  created_at timestamptz not null default clock_timestamp()
);
create unique index orders_placer on orders (placer_authority, placer_number) where placer_number is not null;
create unique index orders_accession on orders (accession_issuer, accession);
create index orders_patient on orders (patient_id);
create index orders_phase on orders (phase, received_at desc, id desc);
create index orders_received on orders (received_at desc, id desc);
create index orders_unrelayed on orders (id) where relayed_rev < rev;
create index orders_unfinished on orders (id) where closed_at is null;

create table order_events (
  order_id text not null references orders,
  rev integer not null,                           -- dense from 1 per order
  type text not null,
  v smallint not null default 1,
  at timestamptz not null,                        -- department clock
  recorded_at timestamptz not null default clock_timestamp(),
  actor_id text not null,
  actor_role text not null,
  source text not null check (source in ('app', 'hl7', 'fhir', 'dimse', 'web', 'duty', 'config')),
  refs jsonb not null default '{}',               -- ids of messages, objects, work items
  data jsonb not null default '{}',               -- ids, enums, numbers, instants: never names, text, birth dates
  policy_version integer not null,
  previous_hash text not null,
  hash text not null,
  tx xid8 not null default pg_current_xact_id(),  -- lets a reader resume without missing a late commit
  primary key (order_id, rev)
);
create index order_events_tx on order_events (tx);
create index order_events_type on order_events (type, at);

create table procedures (
  id text primary key,
  order_id text not null references orders,
  position integer not null,
  requested_procedure_id text not null unique check (length(requested_procedure_id) <= 16),   -- (0040,1001)
  code text not null,
  scheme text not null,
  text text not null,
  catalogue_code text,                            -- null: unknown to the catalogue
  catalogue_scheme text,
  modality text not null,
  area text not null,
  side text check (side in ('left', 'right', 'bilateral')),
  study_uid text not null,                        -- (0020,000D); two procedures may share it
  protocol_by text check (protocol_by in ('rule', 'person')),
  protocol_at timestamptz,
  protocol_resets integer not null default 0,
  end_kind text check (end_kind in ('cancelled', 'discontinued')),
  ended_at timestamptz,
  end_reason text,
  phase text not null default 'ordered',
  foreign key (catalogue_scheme, catalogue_code) references catalogue (scheme, code)
);
create index procedures_order on procedures (order_id);
create index procedures_study on procedures (study_uid);

create table steps (
  id text primary key,
  procedure_id text not null references procedures,
  order_id text not null references orders,
  step_number text not null unique check (length(step_number) <= 16),   -- (0040,0009)
  status text not null check (status in
    ('planned', 'scheduled', 'arrived', 'ready', 'started', 'departed', 'discontinued', 'cancelled', 'no-show')),
  modality text not null,
  room_id text references rooms,
  planned_start timestamptz,
  planned_end timestamptz,
  wished_start timestamptz,
  wished_room text,
  protocol_code text,
  protocol_name text,
  status_before_begin text,
  arrived_at timestamptz,
  arrival_inferred boolean not null default false,
  retake_of text references steps,
  retake_asked_at timestamptz,
  planned_since timestamptz not null,
  booked_at timestamptz,
  bookings integer not null default 0,            -- booked or moved to another time
  undone_arrivals integer not null default 0,
  no_shows integer not null default 0,
  no_show_at timestamptz,
  voided boolean not null default false           -- all its images were rejected
);
create index steps_procedure on steps (procedure_id);
create index steps_order on steps (order_id);
create index steps_room on steps (room_id, planned_start) where status in ('scheduled', 'arrived', 'ready', 'started');
create extension if not exists btree_gist;
alter table steps add constraint steps_no_double_booking
  exclude using gist (room_id with =, tstzrange(planned_start, planned_end) with &&)
  where (status in ('scheduled', 'arrived', 'ready') and planned_end is not null);

create table performed_steps (
  id text primary key,
  sop_instance_uid text not null unique,
  site_id text not null references sites,
  device_id text references devices,
  station_ae text not null,
  status text not null check (status in ('IN PROGRESS', 'COMPLETED', 'DISCONTINUED')),
  started_at timestamptz not null,
  ended_at timestamptz,
  start_inferred boolean not null default false,
  end_inferred boolean not null default false,
  inferred boolean not null default false,        -- no MPPS made it
  reason_code text,                               -- (0040,0281)
  decision text,                                  -- what was decided after a discontinued exam
  decided_at timestamptz,
  study_uid text not null,
  dataset jsonb not null default '{}',            -- N-CREATE and N-SET as received (DICOM JSON)
  received_at timestamptz not null
);
create index performed_steps_study on performed_steps (study_uid);

create table performed_step_links (
  performed_step_id text not null references performed_steps,
  step_id text not null references steps,
  primary key (performed_step_id, step_id)
);
create index performed_step_links_step on performed_step_links (step_id);

-- Instances that a final MPPS named (0040,0340): evidence of completeness.
create table named_instances (
  study_uid text not null,
  sop_instance_uid text not null,
  series_uid text,
  performed_step_id text not null references performed_steps,
  primary key (study_uid, sop_instance_uid)
);

-- hash = H(previous hash, the event's own content); jsonb prints in one canonical order.
create function order_event_hash(previous text, e order_events) returns text language sql stable as $$
  select encode(sha256(convert_to(concat_ws('|', previous, e.order_id, e.rev, e.type, e.v,
    (extract(epoch from e.at) * 1000)::bigint, e.actor_id, e.actor_role, e.source, e.refs::text, e.data::text,
    e.policy_version), 'UTF8')), 'hex')
$$;

-- The only writer of order_events: dense revisions and an unbroken chain, under the order's row lock.
create function append_order_events(p_order text, p_at timestamptz, p_actor text, p_role text, p_source text, p_events jsonb)
returns integer language plpgsql as $$
declare
  o orders%rowtype;
  e order_events%rowtype;
  item jsonb;
begin
  select * into strict o from orders where id = p_order for update;
  for item in select value from jsonb_array_elements(p_events) loop
    o.rev := o.rev + 1;
    e.order_id := p_order;
    e.rev := o.rev;
    e.type := item->>'type';
    e.v := coalesce((item->>'v')::smallint, 1);
    e.at := coalesce((item->>'at')::timestamptz, p_at);
    e.recorded_at := clock_timestamp();
    e.actor_id := p_actor;
    e.actor_role := p_role;
    e.source := p_source;
    e.refs := coalesce(item->'refs', '{}');
    e.data := coalesce(item->'data', '{}');
    e.policy_version := o.policy_version;
    e.previous_hash := o.last_hash;
    e.hash := order_event_hash(o.last_hash, e);
    e.tx := pg_current_xact_id();
    insert into order_events select e.*;
    o.last_hash := e.hash;
  end loop;
  update orders set rev = o.rev, last_hash = o.last_hash where id = p_order;
  return o.rev;
end $$;
