-- A study that nobody checked in time may be let on by the department itself, and says so until somebody has looked:
-- such a word and a person's stand side by side in one cycle.

alter table quality_decisions add column unchecked boolean not null default false;
create unique index quality_decisions_word on quality_decisions (study_id, cycle, unchecked);
alter table quality_decisions drop constraint quality_decisions_study_id_cycle_key;
