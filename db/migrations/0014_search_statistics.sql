-- How many studies a beginning of a key has is told from a hundred of its values unless more are asked for: too coarse by far at a million.

alter table studies alter column patient_name_key set statistics 500;
alter table studies alter column dicom_patient_id set statistics 500;
alter table studies alter column accession set statistics 500;
alter index studies_description_newest alter column 1 set statistics 500;
alter index studies_referring_physician_newest alter column 1 set statistics 500;
