-- Dates and times that objects write as ACR-NEMA did are found by their ranges as all others are.
update studies set study_date = replace(study_date, '.', '') where study_date ~ '^\d{4}\.\d{2}\.\d{2}$';
update studies set study_time = replace(study_time, ':', '') where study_time like '%:%';
update series set series_date = replace(series_date, '.', '') where series_date ~ '^\d{4}\.\d{2}\.\d{2}$';
update series set series_time = replace(series_time, ':', '') where series_time like '%:%';
