-- Cases set aside for a moment: where the reader was, kept with the claim until they come back to it.

create table parked_cases (
  item_id text not null references work_items,
  fence integer not null,
  user_id text not null references users,
  parked_at timestamptz not null,                 -- machine clock, as leases are
  place jsonb not null,                           -- {cursor: {section, from, to} | null, layout: what the viewer said | null}
  returned_at timestamptz,                        -- machine clock; null while it waits
  primary key (item_id, fence)
);
create index parked_cases_user on parked_cases (user_id) where returned_at is null;
create index work_items_parked on work_items (holder) where state = 'claimed' and parked;
