-- Why somebody closed an exception by hand; null where what it asked for was done.
alter table exceptions add column closed_reason text;
