-- How a reader has the images hung, by procedure and place; and the marks that readers put on images as objects of the study.

create table hanging_layouts (
  id text primary key,
  user_id text not null references users,
  modality text not null,
  procedure_scheme text,                          -- null with its code: every procedure of the modality
  procedure_code text,
  place text not null check (place in ('beside', 'own-window')),   -- beside the report, or in a window of its own
  layout jsonb not null,                          -- {rows, columns, viewports}
  saved_at timestamptz not null,
  check ((procedure_scheme is null) = (procedure_code is null)),
  unique nulls not distinct (user_id, modality, procedure_scheme, procedure_code, place)
);

create table image_marks (
  sop_instance_uid text primary key,
  study_uid text not null,
  kind text not null check (kind in ('presentation', 'key-images')),
  user_id text not null references users,
  launch_id text not null references launches,
  images integer not null,                        -- how many they are about
  made_at timestamptz not null
);
create index image_marks_study on image_marks (study_uid);
