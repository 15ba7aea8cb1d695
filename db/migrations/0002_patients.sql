-- Who a patient is: identifiers by value and issuer, names in three groups, merges that can be undone.

create table patients (
  id text primary key,
  trust text not null check (trust in ('provisional', 'trusted')),
  name jsonb not null,                      -- {alphabetic, ideographic, phonetic}: each {family, given, middle, prefix, suffix}
  name_key text not null,                   -- folded, for search
  birth_date text,                          -- precision kept: YYYY, YYYY-MM or YYYY-MM-DD
  sex text check (sex in ('M', 'F', 'O')),
  sex_original text,
  created_at timestamptz not null
);
create index patients_name on patients (name_key text_pattern_ops);

create table patient_identifiers (
  value text not null,
  issuer text not null,                     -- assigning authority namespace, never a wildcard
  type text not null default 'MR',
  patient_id text not null references patients,
  retired_at timestamptz,
  primary key (value, issuer)
);
create index patient_identifiers_patient on patient_identifiers (patient_id);

create table merge_links (
  id text primary key,
  from_patient text not null references patients,
  to_patient text not null references patients,
  at timestamptz not null,
  by text not null,
  undone_at timestamptz,
  check (from_patient <> to_patient)
);
create unique index merge_links_active on merge_links (from_patient) where undone_at is null;
