-- What is handed on for a second pair of eyes, as it was then; the grade of the over-read; what a recall goes back to.

create table report_submissions (
  report_id text not null references reports,
  number integer not null,                        -- reports.submissions then: dense from 1
  author_id text not null references users,
  content jsonb not null,
  submitted_at timestamptz not null,
  version integer,                                -- the preliminary that went out with it; null: nobody outside has seen it
  sent_back_at timestamptz,
  sent_back_by text references users,
  sent_back_reason text,                          -- a code
  sent_back_words text,
  primary key (report_id, number)
);
create index report_submissions_author on report_submissions (author_id, submitted_at);

alter table report_versions add column agreement text check (agreement in ('agree', 'minor', 'major'));
alter table report_versions add column state_before text;

-- The grade and what was before belong to the signature: they change as little as the words.
create or replace function report_versions_immutable() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then raise exception 'report versions are immutable'; end if;
  if (old.content, old.content_hash, old.kind, old.author_id, old.signer_id, old.signed_at, old.version, old.report_id,
      old.agreement, old.state_before)
     is distinct from
     (new.content, new.content_hash, new.kind, new.author_id, new.signer_id, new.signed_at, new.version, new.report_id,
      new.agreement, new.state_before)
     or (old.released_at is not null and new.released_at is distinct from old.released_at)
     or (old.recalled_at is not null and new.recalled_at is distinct from old.recalled_at) then
    raise exception 'report versions are immutable';
  end if;
  return new;
end $$;
