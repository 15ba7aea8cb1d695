-- By which numbers other systems name a person of ours (HL7 2.5.1 ORC-12, XCN-1 and XCN-9): whose orders they are.
-- A number counts with the authority that gave it, and a name alone is nobody.

create table physician_numbers (
  value text not null check (value <> ''),
  authority text not null default '',       -- empty: the messages name none
  user_id text not null references users,
  primary key (value, authority)
);
create index physician_numbers_user on physician_numbers (user_id);

create index orders_requester on orders ((requester->>'id'), (coalesce(requester->>'authority', '')));
