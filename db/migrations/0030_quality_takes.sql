-- What each look at the quality gate was at: projections counted by the image, sequences by the series. Written with the
-- decision, so that counting a quarter of them reads no image; looks taken before this stand without.

create table quality_takes (
  decision_id text not null references quality_decisions,
  modality text not null,
  name text not null,                             -- body part, view and side; else protocol or series description; '' when none is said
  made integer not null,
  rejected integer not null,
  primary key (decision_id, modality, name)
);
