-- Work somebody or something must do: opened by a rule, claimed under a lease with a fencing token.

create table work_items (
  id text primary key,
  kind text not null,
  subject_type text not null,
  subject_id text not null,
  cycle integer not null,
  order_id text references orders,
  site_id text not null references sites,
  priority text not null check (priority in ('stat', 'urgent', 'routine')),
  area text,
  modality text,
  room_id text references rooms,
  audience jsonb not null default '{}',           -- {roles, area?, room?, user?}
  state text not null default 'open' check (state in ('open', 'claimed', 'completed', 'cancelled')),
  opened_at timestamptz not null,
  due_from timestamptz not null,
  due_at timestamptz,
  allowance_ms bigint,
  business boolean not null default false,         -- the allowance counts opening hours only
  clock_owner text not null,
  policy_version integer not null,
  late_at timestamptz,                            -- written once, never cleared
  assigned_to text references users,
  blocked_by text,
  holder text references users,
  fence integer not null default 0,
  lease_until timestamptz,                        -- machine clock
  parked boolean not null default false,
  claimed_at timestamptz,
  completed_at timestamptz,
  completed_by text,
  result jsonb,
  cancel_reason text,
  unique (subject_type, subject_id, kind, cycle),
  check ((state = 'claimed') = (holder is not null and lease_until is not null))
);
create unique index work_items_one_live on work_items (subject_type, subject_id, kind) where state in ('open', 'claimed');
create index work_items_list on work_items (kind, priority, due_at, id) where state in ('open', 'claimed');
create index work_items_order on work_items (order_id);
create index work_items_lease on work_items (lease_until) where state = 'claimed';
create index work_items_holder on work_items (holder) where state = 'claimed';

create table tenures (
  item_id text not null references work_items,
  fence integer not null,
  holder text not null references users,
  claimed_at timestamptz not null,                -- machine clock, as leases are
  ended_at timestamptz,
  ended_by text check (ended_by in ('released', 'skipped', 'expired', 'taken-over', 'completed', 'cancelled')),
  ups_uid text not null unique,
  primary key (item_id, fence)
);

create table skips (
  item_id text not null references work_items,
  user_id text not null references users,
  until timestamptz not null,
  reason text,
  primary key (item_id, user_id)
);

create table pauses (
  id text primary key,
  item_id text not null references work_items,
  reason text not null,
  owner text not null,
  from_at timestamptz not null,
  to_at timestamptz,
  limit_at timestamptz not null
);
create unique index pauses_open on pauses (item_id) where to_at is null;

create table escalations (
  item_id text not null references work_items,
  step text not null,
  planned_at timestamptz not null,
  fired_at timestamptz not null,
  late_by_ms bigint not null,
  overtaken boolean not null default false,
  primary key (item_id, step)
);

create table quality_decisions (
  id text primary key,
  study_id text not null references studies,
  order_id text references orders,
  item_id text references work_items,
  cycle integer not null,
  verdict text not null check (verdict in ('accepted', 'rejected')),
  reason_codes text[] not null default '{}',
  words text,
  repeated boolean not null default false,
  instances text[] not null default '{}',
  fence integer,
  by text not null,
  at timestamptz not null,
  unique (study_id, cycle)
);
