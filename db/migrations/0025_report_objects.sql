-- Released report versions as objects of the archive: what is owed to each study, and which instances are reports of ours.

create table report_objects (
  sop_instance_uid text primary key,              -- made of report, version, study and kind: written again it is the same object
  series_uid text not null,
  report_id text not null,
  version integer not null,
  study_id text not null references studies,
  kind text not null check (kind in ('sr', 'pdf')),
  owed_at timestamptz not null,
  stored_at timestamptz,                          -- when it stood in the index; null: it is yet to be written
  attempts integer not null default 0,
  next_attempt_at timestamptz,                    -- machine clock
  unique (report_id, version, study_id, kind),
  foreign key (report_id, version) references report_versions (report_id, version)
);
create index report_objects_unwritten on report_objects (owed_at) where stored_at is null;
create index report_objects_study on report_objects (study_id);

alter table instances add column is_report boolean not null default false;   -- a report of ours: seen, and never counted as an image
alter table studies add column report_count integer not null default 0;      -- of instance_count
