-- Images of a performed step that turned out to be another order's, moved and taken back; what readers ask of
-- technologists; and order status as a message of its own, so that a placer hears of both orders.

alter table steps add column undone_begins integer not null default 0;          -- its exam turned out to be another's
alter table performed_steps add column moves integer not null default 0;        -- moved to another step, or back

create table moved_images (
  id text primary key,
  performed_step_id text not null references performed_steps,
  site_id text not null references sites,
  from_order_id text not null references orders,
  to_order_id text not null references orders,
  from_step_ids text[] not null,
  to_step_id text not null references steps,
  from_study_uid text not null,
  to_study_uid text not null,
  from_study_id text references studies,          -- null: nothing is stored of it yet
  to_study_id text references studies,
  series_uids text[] not null default '{}',       -- named by the performed step or stored for it: later ones follow
  instances integer not null default 0,
  from_emptied boolean not null default false,    -- the last of the study went
  to_emptied boolean not null default false,      -- and so it did when the move was taken back
  evidence jsonb not null default '{}',           -- what stood on study and performed step before
  reason_code text not null,
  at timestamptz not null,
  by text not null,
  undone_at timestamptz,
  undone_by text
);
create unique index moved_images_active on moved_images (performed_step_id) where undone_at is null;
create index moved_images_from_study on moved_images (from_study_id);
create index moved_images_to_study on moved_images (to_study_id);
create index moved_images_from on moved_images (from_study_uid);
create index moved_images_to on moved_images (to_study_uid);
create index moved_images_from_order on moved_images (from_order_id) where undone_at is null;

create table returns (
  id text primary key,
  study_id text not null references studies,
  order_id text not null references orders,
  item_id text not null references work_items,    -- the reading it interrupted
  kind text not null check (kind in ('retake', 'clarify')),
  reason_code text not null,
  words text,
  instances text[] not null default '{}',         -- SOP Instance UIDs the reader marked; empty: the whole study
  asked_by text not null references users,
  asked_at timestamptz not null,
  step_id text references steps,                  -- the repeat it made
  answered_at timestamptz,
  answered_by text,
  answer text check (answer in ('answered', 'retaken', 'not-possible', 'moved')),
  answer_words text,
  check ((answered_at is null) = (answer is null))
);
create unique index returns_open on returns (study_id) where answered_at is null;   -- one question at a time
create index returns_order on returns (order_id);
create index returns_item on returns (item_id);

-- A message about an order's status has no report version; it keeps its place in the patient's lane.
alter table deliveries alter column report_id drop not null;
alter table deliveries alter column version drop not null;
alter table deliveries add column status text;                                  -- what is told: arrived, acquired …
alter table deliveries add column status_at timestamptz;
alter table deliveries add constraint deliveries_of_report_or_status
  check ((report_id is null) = (version is null) and (report_id is null) = (status is not null));
