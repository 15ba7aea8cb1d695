-- What must be seen by somebody: exceptions to mend, the audit trail, launches, and keys that make a repeat harmless.

create table exceptions (
  id text primary key,
  kind text not null check (kind in
    ('message', 'quarantine', 'unmatched-study', 'conflict', 'identity', 'delivery', 'refused-association')),
  key text not null,                              -- what it is about; the same open thing counts up instead of doubling
  at timestamptz not null,
  last_at timestamptz not null,
  times integer not null default 1,
  reason_code text not null,
  reason text not null,                           -- in words, without patient data
  refs jsonb not null default '{}',
  order_id text references orders,
  site_id text not null references sites,
  state text not null default 'open' check (state in ('open', 'closed')),
  cycle integer not null default 1,               -- counts reopenings
  closed_at timestamptz,
  closed_by text
);
create unique index exceptions_open on exceptions (kind, key) where state = 'open';
create index exceptions_at on exceptions (at desc);

create table audit_events (
  id bigint generated always as identity primary key,
  chain text not null,                            -- subject: order:…, study:…, patient:…, user:…, device:…
  chain_rev integer not null,
  type text not null,
  outcome text not null check (outcome in ('success', 'denied', 'failure')),
  at timestamptz not null,                        -- machine clock: security time
  actor_id text not null,
  actor_role text not null,
  source text not null,
  address text,
  data jsonb not null default '{}',
  previous_hash text not null,
  hash text not null,
  unique (chain, chain_rev)
);
create index audit_events_at on audit_events (at desc);
create index audit_events_actor on audit_events (actor_id, at desc);

create table audit_chains (
  chain text primary key,
  rev integer not null,
  hash text not null
);

create table audit_anchors (
  id bigint generated always as identity primary key,
  at timestamptz not null,
  chains bigint not null,
  hash text not null                              -- over all chain heads
);

-- Why somebody looks at images: bound to a session and an order, with its permitted priors.
create table launches (
  id text primary key,
  session_id text not null,
  user_id text not null references users,
  order_id text not null references orders,
  purpose text not null check (purpose in ('read', 'view', 'quality')),
  studies text[] not null,                        -- Study Instance UIDs, the current one first
  created_at timestamptz not null,
  ended_at timestamptz
);
create index launches_session on launches (session_id) where ended_at is null;

create table idempotency_keys (
  key text primary key,
  mutation text not null,
  result jsonb,
  at timestamptz not null default clock_timestamp()
);

-- What each process says of itself; health reads it. Machine clock.
create table heartbeats (
  process text not null,
  pid integer not null,
  at timestamptz not null,
  state jsonb not null default '{}',
  primary key (process, pid)
);

create table retention_proposals (
  id bigint generated always as identity primary key,
  study_id text not null references studies,
  action text not null,
  planned_at timestamptz not null,
  proposed_at timestamptz not null,
  basis text not null,
  unique (study_id, action, planned_at)
);

create function audit_event_hash(previous text, e audit_events) returns text language sql stable as $$
  select encode(sha256(convert_to(concat_ws('|', previous, e.chain, e.chain_rev, e.type, e.outcome,
    (extract(epoch from e.at) * 1000)::bigint, e.actor_id, e.actor_role, e.source, e.address, e.data::text), 'UTF8')), 'hex')
$$;

-- The only writer of audit_events: one chain per subject, since one global chain would serialise every write.
create function append_audit(p_chain text, p_type text, p_outcome text, p_at timestamptz, p_actor text, p_role text,
  p_source text, p_address text, p_data jsonb) returns void language plpgsql as $$
declare
  head audit_chains%rowtype;
  e audit_events%rowtype;
begin
  insert into audit_chains values (p_chain, 0, '') on conflict do nothing;
  select * into strict head from audit_chains where chain = p_chain for update;
  e.chain := p_chain;
  e.chain_rev := head.rev + 1;
  e.type := p_type;
  e.outcome := p_outcome;
  e.at := p_at;
  e.actor_id := p_actor;
  e.actor_role := p_role;
  e.source := p_source;
  e.address := p_address;
  e.data := coalesce(p_data, '{}');
  e.previous_hash := head.hash;
  e.hash := audit_event_hash(head.hash, e);
  insert into audit_events (chain, chain_rev, type, outcome, at, actor_id, actor_role, source, address, data, previous_hash, hash)
    values (e.chain, e.chain_rev, e.type, e.outcome, e.at, e.actor_id, e.actor_role, e.source, e.address, e.data,
      e.previous_hash, e.hash);
  update audit_chains set rev = e.chain_rev, hash = e.hash where chain = p_chain;
end $$;

-- A rolling anchor over all chain heads: whoever keeps one elsewhere can prove that nothing before it was changed.
create function anchor_chains(p_at timestamptz) returns text language sql as $$
  insert into audit_anchors (at, chains, hash)
  select p_at, count(*), encode(sha256(convert_to(coalesce(string_agg(chain || ' ' || rev || ' ' || hash, e'\n' order by chain), ''), 'UTF8')), 'hex')
  from (select chain, rev, hash from audit_chains
        union all select 'order-events:' || id, rev, last_hash from orders) heads
  returning hash
$$;
