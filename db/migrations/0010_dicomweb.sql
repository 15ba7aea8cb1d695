-- What DICOMweb and C-FIND search by has an index, whatever the number of studies; and which revision of a series' metadata is kept ready.

alter table series add column metadata_rev integer not null default 0;  -- the revision kept ready in the derived store
update series set metadata_rev = rev;                                   -- those of before are made when they are asked for
create index series_metadata_due on series (id) where metadata_rev <> rev;

-- Beginnings of keys ("12*") are ranges under the bytewise order.
create index studies_dicom_patient_prefix on studies (dicom_patient_id text_pattern_ops);
create index studies_accession_prefix on studies (accession text_pattern_ops);
create index studies_study_id on studies (study_id text_pattern_ops);
create index studies_description on studies (lower(description) text_pattern_ops);
create index studies_referring_physician on studies (lower(referring_physician) text_pattern_ops);
create index studies_birth_date on studies ((coalesce(attributes->'00100030'->'Value'->>0, '')) text_pattern_ops);
create index studies_modalities on studies using gin (modalities);
create index series_modality on series (modality text_pattern_ops, study_id);
create index instances_series_order on instances (series_id, instance_number, sop_instance_uid) where rejected_code is null;

-- "*word*" needs trigrams; a database without that extension answers all the same, by looking at every row.
do $$
begin
  if exists (select 1 from pg_available_extensions where name = 'pg_trgm') then
    create extension if not exists pg_trgm;
    create index studies_name_parts on studies using gin (patient_name_key gin_trgm_ops);
    create index studies_description_parts on studies using gin (lower(description) gin_trgm_ops);
    create index studies_referring_physician_parts on studies using gin (lower(referring_physician) gin_trgm_ops);
    create index studies_patient_parts on studies using gin (dicom_patient_id gin_trgm_ops);
    create index studies_accession_parts on studies using gin (accession gin_trgm_ops);
  end if;
exception when insufficient_privilege then
  raise notice 'pg_trgm may not be created here: searches for parts of words look at every row';
end $$;
