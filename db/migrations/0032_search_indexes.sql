-- An order is found by a part of a name, a number or the beginning of one in an index, however many orders there are.

-- Parts of a name.
do $$
begin
  if exists (select 1 from pg_available_extensions where name = 'pg_trgm') then
    create extension if not exists pg_trgm;
    create index patients_name_parts on patients using gin (name_key gin_trgm_ops);
  end if;
exception when insufficient_privilege then
  raise notice 'pg_trgm may not be created here: searches for parts of names look at every patient';
end $$;
-- Beginnings of each word of it, for what is too short to have a trigram or is written in letters that have none.
create index patients_name_words on patients using gin
  (array_to_tsvector(array_remove(string_to_array(translate(left(name_key, 500), '^=', '  '), ' '), '')));
alter table patients alter column name_key set statistics 500;

-- Numbers by their beginning, in capitals or not.
create index orders_accession_begins on orders (site_id, lower(accession) text_pattern_ops);
create index patient_identifiers_begins on patient_identifiers (lower(value) text_pattern_ops);

-- A patient's orders newest first.
create index orders_patient_newest on orders (patient_id, received_at desc, id desc);
drop index orders_patient;
