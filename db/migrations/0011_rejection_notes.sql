-- Rejections as notes in the archive (IHE RAD IOCM), duplicates that a person settles, and what re-reading of stored objects found.

alter table instances add column is_note boolean not null default false;   -- a rejection note: never counted as an image
alter table instances add column damaged text check (damaged in ('missing', 'altered'));  -- what the last re-reading found
create index instances_verified on instances (verified_at nulls first);
create index instances_damaged on instances (id) where damaged is not null;

alter table rejections add column note_uid text unique;             -- SOP Instance UID of its key object document
alter table rejections add column note_series_uid text;
alter table rejections add column noted_at timestamptz;             -- when the note stood in the archive; null: it is yet to be written
alter table rejections add column received boolean not null default false;
alter table rejections add column without_effect text check (without_effect in ('held', 'unknown-sender'));
alter table rejections add column revoke_reason text;
alter table rejections add column revoked_with text;                -- the second person, where the code wants one
create index rejections_instances on rejections using gin (instances) where revoked_at is null and without_effect is null;
create index rejections_unwritten on rejections (at) where noted_at is null;

alter table quarantine add column object jsonb;                     -- what the index would take of it; null: it cannot be read
alter table quarantine add column decision text check (decision in ('kept-first', 'taken', 'replaced'));
alter table quarantine add column decided_at timestamptz;
alter table quarantine add column decided_by text;
create index quarantine_exception on quarantine (exception_id);
create index quarantine_instance on quarantine (sop_instance_uid);
create index quarantine_blob on quarantine (blob);
