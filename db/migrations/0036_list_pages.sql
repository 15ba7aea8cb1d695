-- What a page of a list or a search asks of each of its rows stands in the index that leads there. An index that a wider
-- one replaces goes; no query names an index.

-- Everybody's newest orders with their names: a name that is common is met there, whatever sites somebody sees.
create index order_names_recent on order_names (received_at desc, order_id desc) include (site_id, name_key);

-- A patient's number.
create index patient_identifiers_of_patient on patient_identifiers (patient_id) include (type, issuer, value, retired_at);
drop index patient_identifiers_patient;

-- Whose number begins so. A column within an expression is included as well, or Postgres would go to the table for it.
create index patient_identifiers_beginnings on patient_identifiers (lower(value) text_pattern_ops) include (value, patient_id);
drop index patient_identifiers_begins;

-- A patient's orders newest first, with the site that says who may see them.
create index orders_of_patient_newest on orders (patient_id, received_at desc, id desc) include (site_id);
drop index orders_patient_newest;
