-- Keeping the day moving: who was called in to a piece of work, and what one shift hands to the next.

create table call_ins (
  id text primary key,
  item_id text not null references work_items,
  user_id text not null references users,
  asked_by text not null references users,
  asked_at timestamptz not null,
  reason text not null,
  answer text check (answer in ('coming', 'cannot')),
  answered_at timestamptz,
  withdrawn_at timestamptz
);
create unique index call_ins_open on call_ins (item_id, user_id) where answered_at is null and withdrawn_at is null;
create index call_ins_user on call_ins (user_id) where answered_at is null and withdrawn_at is null;

-- Lines that somebody adds to what the facts already say.
create table handover_lines (
  id text primary key,
  site_id text not null references sites,
  kind text not null check (kind in ('table', 'promised', 'waiting', 'broken')),
  waiting_for text check (waiting_for in ('transport', 'lab', 'patient')),
  words text not null check (length(words) between 1 and 300),
  order_id text references orders,
  room_id text references rooms,
  added_by text not null references users,
  added_at timestamptz not null,
  settled_by text references users,
  settled_at timestamptz,
  check ((kind = 'waiting') = (waiting_for is not null)),
  check ((settled_by is null) = (settled_at is null))
);
create index handover_lines_open on handover_lines (site_id) where settled_at is null;

-- Who took a line over, by name. The key names the fact or the added line: `step/<id>`, `line/<id>`.
create table handover_acknowledgements (
  line_key text not null,
  site_id text not null references sites,
  by text not null references users,
  at timestamptz not null,
  shift_start timestamptz not null,            -- of the shift that took it over
  primary key (line_key, shift_start, by)
);
create index handover_acknowledgements_at on handover_acknowledgements (site_id, at desc);
