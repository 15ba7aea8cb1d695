-- The archive's index: studies, series and instances as stored, where their bytes are, and what was rejected or set aside.

create table studies (
  id text primary key,
  study_uid text not null unique,
  site_id text not null references sites,
  patient_id text references patients,            -- null: we do not know whose it is
  -- As the objects say (response to QIDO); the stored objects are never altered.
  dicom_patient_id text not null default '',
  dicom_issuer text not null default '',
  dicom_patient_name text not null default '',
  patient_name_key text not null default '',
  accession text not null default '',
  study_date text not null default '',
  study_time text not null default '',
  study_id text not null default '',
  description text not null default '',
  referring_physician text not null default '',
  modalities text[] not null default '{}',
  attributes jsonb not null default '{}',         -- DICOM JSON, study and patient level
  series_count integer not null default 0,        -- visible ones
  instance_count integer not null default 0,
  stored_count integer not null default 0,        -- rejected ones too
  bytes bigint not null default 0,
  first_instance_at timestamptz,
  last_instance_at timestamptz,
  availability text not null default 'ONLINE' check (availability in ('ONLINE', 'NEARLINE', 'OFFLINE', 'UNAVAILABLE')),
  end_exam_at timestamptz,                        -- "end exam" pressed for it
  -- completeness: a decision with its evidence
  completeness text not null default 'waiting' check (completeness in ('waiting', 'complete', 'inferred', 'incomplete')),
  completeness_missing integer not null default 0,
  completeness_evidence jsonb not null default '[]',
  completeness_decided_at timestamptz,
  completeness_recheck_at timestamptz,
  incomplete_accepted_at timestamptz,             -- a person accepted it incomplete, with a reason
  earlier_incompletes integer not null default 0,
  appended_batches integer not null default 0,    -- images after a verdict that let the study on
  verdicts_taken_back integer not null default 0,
  late_batches jsonb not null default '[]',       -- [{at, answeredAt}]: images after a final version
  -- retention
  retention_policy integer,
  retention_rule text,
  tier text,
  expires_on date,
  next_action_at timestamptz,
  next_action text,
  legal_hold boolean not null default false,
  rev integer not null default 0                  -- grows with each index batch; prerendered metadata is keyed by it
);
create index studies_patient on studies (patient_id);
create index studies_dicom_patient on studies (dicom_patient_id, dicom_issuer);
create index studies_accession on studies (accession);
create index studies_date on studies (study_date desc, study_time desc, study_uid desc);
create index studies_name on studies (patient_name_key text_pattern_ops);
create index studies_recheck on studies (completeness_recheck_at) where completeness_recheck_at is not null;
create index studies_next_action on studies (next_action_at) where next_action_at is not null and not legal_hold;

create table study_links (
  id text primary key,
  study_id text not null references studies,
  procedure_id text not null references procedures,
  order_id text not null references orders,
  at timestamptz not null,
  by text not null,
  rule text not null,                             -- study-uid, accession, person
  undone_at timestamptz
);
create unique index study_links_active on study_links (study_id, procedure_id) where undone_at is null;
create index study_links_order on study_links (order_id) where undone_at is null;
create index study_links_procedure on study_links (procedure_id) where undone_at is null;

create table series (
  id text primary key,
  study_id text not null references studies,
  series_uid text not null unique,
  modality text not null default '',
  series_number integer,
  description text not null default '',
  series_date text not null default '',
  series_time text not null default '',
  body_part text not null default '',
  station_ae text not null default '',
  attributes jsonb not null default '{}',         -- DICOM JSON, series level
  instance_count integer not null default 0,
  rev integer not null default 0
);
create index series_study on series (study_id);

create table instances (
  id text primary key,
  sop_instance_uid text not null unique,
  sop_class_uid text not null,
  series_id text not null references series,
  study_id text not null references studies,
  instance_number integer,
  transfer_syntax_uid text not null,
  frames integer not null default 1,
  rows integer,
  columns integer,
  blob text not null unique,                      -- key in the blob store; never built from a tag
  bytes bigint not null,
  dataset_offset integer not null,
  sha256 text not null,                           -- of the data set as received
  pixel jsonb,                                    -- where the frames are: {offset, length, encapsulated, frames: [[offset, length]…]}
  attributes jsonb not null default '{}',         -- DICOM JSON of the header as stored, pixel data left out
  source_ae text not null default '',
  stored_at timestamptz not null,
  rejected_code text,                             -- strongest of its rejections; null: visible
  verified_at timestamptz
);
create index instances_series on instances (series_id);
create index instances_study on instances (study_id);

create table rejections (
  id text primary key,
  study_id text not null references studies,
  code text not null,                             -- 113001, 113037, 113038, 113039 (DCM)
  reason_codes text[] not null default '{}',
  words text,
  instances text[] not null,                      -- SOP Instance UIDs
  by text not null,
  at timestamptz not null,
  revoked_at timestamptz,
  revoked_by text
);
create index rejections_study on rejections (study_id);

-- What could not be parsed, or came again with other content: kept with its reason, never dropped.
create table quarantine (
  id text primary key,
  blob text not null,
  bytes bigint not null,
  sha256 text not null,
  sop_instance_uid text,
  source_ae text not null,
  peer text not null,
  reason text not null,
  received_at timestamptz not null,
  exception_id text
);
