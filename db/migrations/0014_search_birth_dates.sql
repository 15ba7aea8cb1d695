-- Studies of everybody born on a day come newest first from the index, however many were.

create index studies_birth_date_newest on studies
  ((coalesce(attributes->'00100030'->'Value'->>0, '')) text_pattern_ops, study_date desc, study_time desc, study_uid desc);
drop index studies_birth_date;
