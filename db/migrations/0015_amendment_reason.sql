-- Why somebody amends another's report: said when it is opened or taken over, kept until it is signed or given up.

alter table reports add column amendment_reason text;
