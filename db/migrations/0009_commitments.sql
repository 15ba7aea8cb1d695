-- Storage Commitment (PS3.4 annex J): requests taken, what was found of each, and the reports still owed to who asked.

create table commitments (
  id text primary key,
  ae_title text not null,                         -- who asked and is told
  transaction_uid text not null,
  sop_class_uids text[] not null,                 -- in the order of sop_instance_uids
  sop_instance_uids text[] not null,
  requested_at timestamptz not null,              -- department clock
  patience_until timestamptz not null,            -- machine clock: what is missing may still be on its way until then
  -- found, of the index and of the bytes
  decided_at timestamptz,                         -- department clock
  checked_at timestamptz,                         -- machine clock
  failures jsonb,                                 -- {SOP Instance UID: failure reason (0008,1197)}; empty: all are safe
  study_uids text[] not null default '{}',
  -- told
  attempts integer not null default 0,
  next_attempt_at timestamptz,                    -- machine clock; null: nothing is owed any more
  reported_at timestamptz,                        -- department clock
  given_up_at timestamptz,
  unique (ae_title, transaction_uid)
);
create index commitments_owed on commitments (next_attempt_at) where next_attempt_at is not null;
create index commitments_studies on commitments using gin (study_uids);

-- Instances are named by storage commitment requests too, not by performed steps alone.
alter table named_instances alter column performed_step_id drop not null;
