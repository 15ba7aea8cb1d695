-- Critical results whose images were moved: the record stays where it was raised, and the loop is about the right patient.

create table critical_moves (
  id text primary key,
  critical_id text not null references critical_results,
  move_id text not null references moved_images,
  from_order_id text not null references orders,
  to_order_id text not null references orders,
  to_procedure_id text not null references procedures, -- in whose report its communication is written down
  whole boolean not null,                         -- no image stayed; else the finding may be of those that did
  at timestamptz not null,
  undone_at timestamptz
);
create index critical_moves_of on critical_moves (critical_id, at) where undone_at is null;
create index critical_moves_to on critical_moves (to_order_id) where undone_at is null;
create index critical_moves_procedure on critical_moves (to_procedure_id) where undone_at is null;
create index critical_moves_by on critical_moves (move_id);

-- Whoever tells one hears of it, as of a rung.
alter table notices drop constraint notices_rung_check;
alter table notices add constraint notices_rung_check check (rung in ('notify', 'reassign', 'lead', 'head', 'moved'));
