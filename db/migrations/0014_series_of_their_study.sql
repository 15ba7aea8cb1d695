-- A Series Instance UID that a device uses again in another study names a series of its own there: a series is unique
-- within its study. What was filed under the first study's series gets one below its own study.

-- Read first: the tables are locked only for what follows.
create temporary table astray on commit drop as
  select distinct on (i.study_id, i.series_id) i.study_id, i.series_id, i.attributes, i.source_ae,
    '0' || upper(substr(md5(i.study_id || i.series_id), 1, 25)) as new_id
  from instances i join series e on e.id = i.series_id
  where e.study_id <> i.study_id
  order by i.study_id, i.series_id, i.id;

create unique index series_of_study on series (study_id, series_uid);
drop index series_study;

-- The old rule goes in the same step, since it is what forbade the second series. A process of the release before keeps
-- receiving meanwhile (objects are safe in its journal) and they are indexed by the new one.
alter table series drop constraint series_series_uid_key;
create index series_uid on series (series_uid);

insert into series (id, study_id, series_uid, modality, series_number, description, series_date, series_time, body_part,
    station_ae, attributes)
  select a.new_id, a.study_id, e.series_uid, coalesce(a.attributes->'00080060'->'Value'->>0, ''),
    case when a.attributes->'00200011'->'Value'->>0 ~ '^[+-]?[0-9]{1,9}$' then (a.attributes->'00200011'->'Value'->>0)::integer end,
    coalesce(a.attributes->'0008103E'->'Value'->>0, ''), coalesce(a.attributes->'00080021'->'Value'->>0, ''),
    coalesce(a.attributes->'00080031'->'Value'->>0, ''), coalesce(a.attributes->'00180015'->'Value'->>0, ''), a.source_ae,
    coalesce((select jsonb_object_agg(key, value) from jsonb_each(a.attributes) where key in ('00080005', '00080021', '00080031',
      '00080060', '0008103E', '00180015', '0020000E', '00200011', '00200060', '00400244', '00400245', '00400275')), '{}')
  from astray a join series e on e.id = a.series_id
  on conflict (study_id, series_uid) do nothing;

update instances i set series_id = own.id
  from astray a join series e on e.id = a.series_id
    join series own on own.study_id = a.study_id and own.series_uid = e.series_uid
  where i.study_id = a.study_id and i.series_id = a.series_id;

-- Both studies are counted again, as indexing counts them.
create temporary table recounted on commit drop as
  select study_id as id from astray union select e.study_id from astray a join series e on e.id = a.series_id;

update series s set rev = s.rev + 1,
    instance_count = (select count(*) from instances i where i.series_id = s.id and i.rejected_code is null)
  where s.study_id in (select id from recounted);

update studies s set rev = s.rev + 1,
    series_count = (select count(*) from series where study_id = s.id and instance_count > 0),
    modalities = array(select distinct modality from series where study_id = s.id and instance_count > 0 and modality <> '' order by 1)
  where s.id in (select id from recounted);
