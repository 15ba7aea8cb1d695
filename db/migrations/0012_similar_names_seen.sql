-- Who has looked at the warning that another patient has a similar name: per person, per order, per other patient.

create table similar_names_seen (
  user_id text not null references users,
  order_id text not null references orders,
  patient_id text not null references patients,
  seen_at timestamptz not null,
  primary key (order_id, user_id, patient_id)
);
