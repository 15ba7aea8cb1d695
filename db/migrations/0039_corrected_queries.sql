-- What a query answers of a study is what goes out of it: corrected as its order says, a moment after either changes.
alter table studies add column said jsonb;          -- {patientId, issuer, accession} of its objects where the row says otherwise
create index studies_said_patient on studies ((said->>'patientId')) where said is not null;

-- Studies of which an order or a patient may say otherwise than their rows. Appended to only: nobody waits for anybody.
create table studies_to_state (
  id bigint generated always as identity primary key,
  study_id text not null
);
create index merge_links_to on merge_links (to_patient);

-- The patient and everybody ever merged with them.
create function state_studies_of(patient text) returns void language sql as $$
  with recursive kin as (
    select patient as id
    union select case when m.from_patient = k.id then m.to_patient else m.from_patient end
      from kin k join merge_links m on m.from_patient = k.id or m.to_patient = k.id)
  insert into studies_to_state (study_id)
    select distinct l.study_id from kin k join orders o on o.patient_id = k.id
      join study_links l on l.order_id = o.id and l.undone_at is null
$$;
create function patient_says_otherwise() returns trigger language plpgsql as $$
begin
  perform state_studies_of(new.id);
  return null;
end $$;
create trigger patients_say_otherwise after update of name, birth_date, sex, trust on patients
  for each row when ((old.name, old.birth_date, old.sex, old.trust) is distinct from (new.name, new.birth_date, new.sex, new.trust))
  execute function patient_says_otherwise();
create function identifier_says_otherwise() returns trigger language plpgsql as $$
begin
  if tg_op <> 'INSERT' then
    perform state_studies_of(old.patient_id);
  end if;
  if tg_op <> 'DELETE' then
    perform state_studies_of(new.patient_id);
    -- A number that an image carries may be another patient's from now on.
    insert into studies_to_state (study_id)
      select id from studies where dicom_patient_id = new.value and patient_id is not null
      union select id from studies where said->>'patientId' = new.value and said is not null;
  end if;
  return null;
end $$;
create trigger patient_identifiers_say_otherwise after insert or update or delete on patient_identifiers
  for each row execute function identifier_says_otherwise();
create function merge_says_otherwise() returns trigger language plpgsql as $$
begin
  perform state_studies_of(new.from_patient);
  return null;
end $$;
create trigger merge_links_say_otherwise after insert or update on merge_links
  for each row execute function merge_says_otherwise();
create function link_says_otherwise() returns trigger language plpgsql as $$
begin
  insert into studies_to_state (study_id) values (new.study_id);
  return null;
end $$;
create trigger study_links_say_otherwise after insert or update of undone_at on study_links
  for each row execute function link_says_otherwise();
create function order_says_otherwise() returns trigger language plpgsql as $$
begin
  insert into studies_to_state (study_id)
    select distinct study_id from study_links where order_id = new.id and undone_at is null;
  return null;
end $$;
create trigger orders_say_otherwise after update of patient_id, accession on orders
  for each row when ((old.patient_id, old.accession) is distinct from (new.patient_id, new.accession))
  execute function order_says_otherwise();
insert into studies_to_state (study_id) select distinct study_id from study_links where undone_at is null;

-- A note may withdraw only what its sender may see.
alter table rejections drop constraint rejections_without_effect_check;
alter table rejections add constraint rejections_without_effect_check
  check (without_effect in ('held', 'unknown-sender', 'other-site'));
