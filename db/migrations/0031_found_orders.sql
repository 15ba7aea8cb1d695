-- An order is found by a name, a number or the beginning of one in an index, however many orders there are; lists that had
-- none keep views; and a person keeps cases in folders of their own.

-- Whose each order is, narrow, newest first at each site: a name that many have is found by going back in time.
create table order_names (
  order_id text primary key references orders on delete cascade,
  site_id text not null,
  received_at timestamptz not null,
  name_key text not null
);
create function keep_order_name() returns trigger language plpgsql as $$
begin
  insert into order_names (order_id, site_id, received_at, name_key)
    select new.id, new.site_id, new.received_at, p.name_key from patients p where p.id = new.patient_id
    on conflict (order_id) do update
      set site_id = excluded.site_id, received_at = excluded.received_at, name_key = excluded.name_key;
  return null;
end $$;
create trigger orders_name after insert or update of patient_id, site_id, received_at on orders
  for each row execute function keep_order_name();
create function keep_order_names() returns trigger language plpgsql as $$
begin
  update order_names n set name_key = new.name_key from orders o where o.patient_id = new.id and n.order_id = o.id;
  return null;
end $$;
create trigger patients_name_changed after update of name_key on patients
  for each row when (old.name_key is distinct from new.name_key) execute function keep_order_names();
insert into order_names (order_id, site_id, received_at, name_key)
  select o.id, o.site_id, o.received_at, p.name_key from orders o join patients p on p.id = o.patient_id;
create index order_names_newest on order_names (site_id, received_at desc, order_id desc) include (name_key);
-- An index alone answers for pages that a vacuum has seen, and the newest are those looked at.
alter table order_names set (autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 1000,
  autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 20000);

-- Parts of a name.
do $$
begin
  if exists (select 1 from pg_available_extensions where name = 'pg_trgm') then
    create extension if not exists pg_trgm;
    create index patients_name_parts on patients using gin (name_key gin_trgm_ops);
  end if;
exception when insufficient_privilege then
  raise notice 'pg_trgm may not be created here: searches for parts of names look at every patient';
end $$;
-- Beginnings of each word of it, for what is too short to have a trigram or is written in letters that have none.
create index patients_name_words on patients using gin
  (array_to_tsvector(array_remove(string_to_array(translate(left(name_key, 500), '^=', '  '), ' '), '')));
alter table patients alter column name_key set statistics 500;

-- Numbers by their beginning, in capitals or not.
create index orders_accession_begins on orders (site_id, lower(accession) text_pattern_ops);
create index patient_identifiers_begins on patient_identifiers (lower(value) text_pattern_ops);

-- A patient's orders newest first.
create index orders_patient_newest on orders (patient_id, received_at desc, id desc);
drop index orders_patient;

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
