-- A study that cannot be stated waits a while and keeps none of the others from their turn; while it waits, somebody can see it.
alter table studies_to_state add column try_again_at timestamptz;      -- machine clock; null: not tried yet
create index studies_to_state_tried on studies_to_state (try_again_at) where try_again_at is not null;
