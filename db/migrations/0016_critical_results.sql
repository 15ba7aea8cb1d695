-- Critical results: what somebody outside must hear of in time, who was tried, who was told; nothing of it is ever undone.

create table critical_results (
  id text primary key,
  order_id text not null references orders,
  report_id text not null references reports,     -- in which its communication is written down
  site_id text not null references sites,
  finding text not null check (trim(finding) <> ''),
  level integer not null check (level between 1 and 3),
  level_changes integer not null default 0,       -- makes the work item's cycle
  cause text not null default 'finding' check (cause in ('finding', 'over-read')),
  found_at timestamptz not null,
  found_by text not null references users,
  raised_at timestamptz not null,
  policy_version integer not null,
  state text not null default 'open' check (state in ('open', 'closed', 'withdrawn')),
  due_at timestamptz not null,
  next_step_at timestamptz,                       -- when time alone has something to record; null: never again
  late_at timestamptz,                            -- written once, never moved
  ended_at timestamptz,                           -- communicated or withdrawn
  ended_by text references users,
  communicator_id text references users,
  recipient text,
  told_at timestamptz,
  method text check (method in ('telephone', 'in-person', 'video', 'message')),
  read_back boolean not null default false,
  withdrawn_reason text,
  second_person text references users,
  check ((state = 'open') = (ended_at is null)),
  check (state <> 'closed' or (communicator_id is not null and trim(recipient) <> '' and recipient is not null
    and told_at is not null and told_at >= found_at and method is not null and read_back)),
  check (state <> 'withdrawn' or (withdrawn_reason is not null and second_person is not null and second_person <> ended_by))
);
create index critical_results_order on critical_results (order_id);
create index critical_results_report on critical_results (report_id);
create index critical_results_open on critical_results (due_at, id) where state = 'open';
create index critical_results_ended on critical_results (ended_at desc, id) where state <> 'open';
create index critical_results_step on critical_results (next_step_at) where next_step_at is not null;

create function critical_results_on_record() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' or old.state <> 'open' then raise exception 'a critical result stays on record'; end if;
  if (old.id, old.order_id, old.finding, old.found_at, old.found_by, old.raised_at)
     is distinct from (new.id, new.order_id, new.finding, new.found_at, new.found_by, new.raised_at)
     or (old.late_at is not null and new.late_at is distinct from old.late_at) then
    raise exception 'a critical result stays on record';
  end if;
  return new;
end $$;
create trigger critical_results_on_record before update or delete on critical_results
  for each row execute function critical_results_on_record();

-- Who was tried and did not answer; and a further call about what was told already.
create table critical_attempts (
  id text primary key,
  critical_id text not null references critical_results,
  at timestamptz not null,
  by text not null references users,
  rung text check (rung in ('orderer', 'ward', 'on-call', 'lead', 'head')),
  recipient text,
  method text not null check (method in ('telephone', 'in-person', 'video', 'message')),
  outcome text not null check (outcome in ('no-answer', 'told-again'))
);
create index critical_attempts_of on critical_attempts (critical_id, at);

create table critical_steps (
  critical_id text not null references critical_results,
  step text not null check (step in ('orderer', 'ward', 'on-call', 'lead', 'head')),
  planned_at timestamptz not null,
  fired_at timestamptz not null,
  late_by_ms bigint not null,
  primary key (critical_id, step)
);

create function critical_record_kept() returns trigger language plpgsql as $$
begin
  raise exception 'a critical result stays on record';
end $$;
create trigger critical_attempts_kept before update or delete on critical_attempts
  for each row execute function critical_record_kept();
create trigger critical_steps_kept before update or delete on critical_steps
  for each row execute function critical_record_kept();
