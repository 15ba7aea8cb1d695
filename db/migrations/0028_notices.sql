-- What the department tells its people by itself: that a case of theirs climbs its ladder. One row per person and item,
-- raised with each rung, until they have seen it.

create table notices (
  user_id text not null references users,
  item_id text not null references work_items,
  rung text not null check (rung in ('notify', 'reassign', 'lead', 'head')),
  at timestamptz not null,                        -- department clock
  late_by_ms bigint not null,                     -- how late the timer itself was
  seen_at timestamptz,
  primary key (user_id, item_id)
);
create index notices_unseen on notices (user_id, at) where seen_at is null;
