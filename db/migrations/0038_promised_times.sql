-- What the catalogue promised when a procedure was ordered: a later version is for later orders.

alter table procedures add column sla_minutes integer check (sla_minutes > 0);  -- available to final, routine; null: the policy's
update procedures p set sla_minutes = c.sla_minutes from catalogue c
where c.scheme = p.catalogue_scheme and c.code = p.catalogue_code and c.sla_minutes is not null;
