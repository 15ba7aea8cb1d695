-- A page of a search is found in an index alone, in its order, however many studies stand behind it: each index of a key
-- holds what orders, limits and hides studies too. An index that a wider one replaces goes; no query names an index.

-- Newest first, for everything and for what most studies have (a modality, a common name).
create index studies_newest on studies (study_date desc, study_time desc, study_uid desc)
  include (site_id, id, instance_count, modalities, patient_name_key);
drop index studies_date, studies_shown;

-- Newest first at one site, for requestors who see no other.
create index studies_site_newest on studies (site_id, study_date desc, study_time desc, study_uid desc)
  include (id, instance_count, modalities, patient_name_key);

-- Newest first of each set of modalities: what is rare, or has not been made for years, is found as soon as what is frequent.
create index studies_modalities_newest on studies (modalities, study_date desc, study_time desc, study_uid desc)
  include (site_id, id, instance_count);
drop index studies_modalities;

create index studies_name_newest on studies
  (patient_name_key text_pattern_ops, study_date desc, study_time desc, study_uid desc)
  include (site_id, id, instance_count, modalities);
drop index studies_name;

create index studies_patient_newest on studies
  (dicom_patient_id text_pattern_ops, study_date desc, study_time desc, study_uid desc)
  include (dicom_issuer, site_id, id, instance_count, modalities);
drop index studies_dicom_patient, studies_dicom_patient_prefix;

create index studies_accession_newest on studies
  (accession text_pattern_ops, study_date desc, study_time desc, study_uid desc)
  include (site_id, id, instance_count, modalities);
drop index studies_accession, studies_accession_prefix;

-- Columns within an expression are included as well, or Postgres would go to the table for them.
create index studies_description_newest on studies
  (lower(description) text_pattern_ops, study_date desc, study_time desc, study_uid desc)
  include (description, site_id, id, instance_count, modalities);
drop index studies_description;

create index studies_referring_physician_newest on studies
  (lower(referring_physician) text_pattern_ops, study_date desc, study_time desc, study_uid desc)
  include (referring_physician, site_id, id, instance_count, modalities);
drop index studies_referring_physician;

-- How frequent a sex is: without, a search for half of all patients is planned like one for a few.
create statistics studies_sex on (coalesce(attributes->'00100040'->'Value'->>0, '')) from studies;

-- An index alone answers for pages that a vacuum has seen. The newest studies are those searched for, so it comes after so many
-- rows, and not after a fifth of ten years.
alter table studies set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
  autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 5000,
  autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 20000, vacuum_index_cleanup = on);

-- Rows that a service brings up to date piece by piece while the department works: up to which it has come, and up to which it goes.
create table backfills (
  name text primary key,
  reached text not null default '',
  until text not null
);

-- Of studies indexed before 0010 the key of the name lacks the ideographic and phonetic groups.
insert into backfills (name, until)
  select 'patient-name-groups', last from (select max(id) as last from studies) s where last is not null;
