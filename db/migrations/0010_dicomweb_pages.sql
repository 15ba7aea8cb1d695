-- Counting off studies to a page far behind touches this index and no study.

create index studies_shown on studies (study_date desc, study_time desc, study_uid desc) include (site_id, id)
  where instance_count > 0;
