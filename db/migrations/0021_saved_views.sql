-- What a list is narrowed to, kept under a name by one person and shared by those who may; how a person has a list's columns;
-- and who has which area's shift.

create table saved_views (
  id text primary key,
  list text not null check (list in ('reading', 'late', 'orders')),
  name text not null check (length(name) between 1 and 40),
  filter text not null default '' check (length(filter) <= 2000),   -- fields and ids, as an address carries them
  owner text not null references users,
  shared boolean not null default false,
  sites text[] not null,                          -- whose people see it while it is shared: the owner's sites
  changed_at timestamptz not null,
  retired_at timestamptz
);
create unique index saved_views_name on saved_views (owner, list, lower(name)) where retired_at is null;
create index saved_views_shared on saved_views (list) where retired_at is null and shared;

-- A view is a saved one's id, or the name of one that every list has.
create table view_layouts (
  user_id text not null references users,
  list text not null,
  view_id text not null,
  layout jsonb not null,                          -- {columns, widths, density}
  primary key (user_id, list, view_id)
);

create table shifts (
  id text primary key,
  site_id text not null references sites,
  area text not null,
  user_id text not null references users,
  from_at timestamptz not null,                   -- department clock
  to_at timestamptz not null,
  set_by text not null,
  dropped_at timestamptz,
  check (from_at < to_at)
);
create unique index shifts_once on shifts (site_id, area, user_id, from_at) where dropped_at is null;
create index shifts_until on shifts (to_at) where dropped_at is null;
