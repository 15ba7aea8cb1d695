-- What reports are written from: structured templates as they were imported, which procedure has which, and readers' macros.

create table report_templates (
  id text primary key,
  identifier text not null,                       -- dcterms.identifier: the same one again is the next version
  version integer not null,                       -- dense from 1 per identifier
  title text not null,
  language text not null default '',
  publisher text not null default '',
  rights text not null default '',
  source text not null,                           -- the HTML as it came; never shown as HTML
  source_hash text not null,                      -- sha256
  sections jsonb not null,                        -- [{key, parts: [{text} | {field: {id, label, kind, value, options, codes}}]}]
  imported_by text not null references users,
  imported_at timestamptz not null,
  unique (identifier, version)
);

-- The newest version of the identifier counts; no row: the procedure has no template.
create table procedure_templates (
  scheme text not null,
  code text not null,
  identifier text not null,
  set_by text not null references users,
  set_at timestamptz not null,
  primary key (scheme, code),
  foreign key (scheme, code) references catalogue (scheme, code)
);

create table report_macros (
  id text primary key,
  name text not null check (length(name) between 1 and 40),
  text text not null check (length(text) between 1 and 4000),   -- fields in brackets: [left|right], [normal], []
  owner text not null references users,
  shared boolean not null default false,
  changed_at timestamptz not null,
  retired_at timestamptz
);
create unique index report_macros_name on report_macros (owner, lower(name)) where retired_at is null;
create index report_macros_shared on report_macros (lower(name)) where retired_at is null and shared;
