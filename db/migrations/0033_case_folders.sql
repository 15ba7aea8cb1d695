-- The lists of what another wrote and of what came back keep views as well.
alter table saved_views drop constraint saved_views_list_check;
alter table saved_views add constraint saved_views_list_check
  check (list in ('reading', 'over-read', 'sent-back', 'late', 'orders'));

-- Cases that a person keeps, under names of their own: nobody else sees a folder, and what is in it is seen by who may see it.
create table case_folders (
  id text primary key,
  owner text not null references users,
  name text not null check (length(name) between 1 and 40),
  created_at timestamptz not null,
  retired_at timestamptz
);
create unique index case_folders_name on case_folders (owner, lower(name)) where retired_at is null;
create table foldered_cases (
  folder_id text not null references case_folders,
  order_id text not null references orders,
  put_at timestamptz not null,
  primary key (folder_id, order_id)
);
create index foldered_cases_order on foldered_cases (order_id);
