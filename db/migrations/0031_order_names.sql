-- Whose each order is, narrow, newest first at each site: a name that many have is found by going back in time.
create table order_names (
  order_id text primary key references orders on delete cascade,
  site_id text not null,
  received_at timestamptz not null,
  name_key text not null
);
-- The patient is held meanwhile: a name that changes at the same time is met by one of the two.
create function keep_order_name() returns trigger language plpgsql as $$
begin
  insert into order_names (order_id, site_id, received_at, name_key)
    select new.id, new.site_id, new.received_at, p.name_key from patients p where p.id = new.patient_id for share
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
