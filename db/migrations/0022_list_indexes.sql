-- A page of a list is found in an index, in its order, however many orders stand behind it.

create index pauses_item on pauses (item_id, from_at);

-- The promise that breaks first stands first.
create index work_items_due on work_items (due_at, id) where state in ('open', 'claimed');

-- Orders newest first: those still open, those of one site, class or priority.
create index orders_open_newest on orders (received_at desc, id desc) where closed_at is null and end_kind is null;
create index orders_site_newest on orders (site_id, received_at desc, id desc);
create index orders_class_newest on orders (patient_class, received_at desc, id desc);
create index orders_priority_newest on orders (priority, received_at desc, id desc);

-- An order's instant stands on its procedures too, or those of a rare modality would be looked for among all orders.
alter table procedures add column received_at timestamptz;
update procedures p set received_at = o.received_at from orders o where o.id = p.order_id;
create function procedure_received_at() returns trigger language plpgsql as $$
begin
  new.received_at := (select received_at from orders where id = new.order_id);
  return new;
end $$;
create trigger procedures_received_at before insert or update of order_id on procedures
  for each row execute function procedure_received_at();
create index procedures_modality_newest on procedures (modality, received_at desc, order_id desc);
create index procedures_area_newest on procedures (area, received_at desc, order_id desc);

create index deliveries_acknowledged on deliveries (acknowledged_at, order_id) where acknowledged_at is not null;
create index exceptions_order on exceptions (order_id) where state = 'open' and order_id is not null;
