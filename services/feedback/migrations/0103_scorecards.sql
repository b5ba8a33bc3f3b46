-- Scorecards are counted from these indexes alone: subject first, then what is counted.
create index surveys_technician on surveys (tenant_id, technician_id) include (kind, score)
    where technician_id is not null;
create index surveys_assignee on surveys (tenant_id, assignee) include (kind, score)
    where assignee <> '';
create index surveys_product on surveys (tenant_id, product) include (kind, score)
    where product <> '';
-- Without a condition: the card of the whole tenant is counted from it too.
create index surveys_region on surveys (tenant_id, region) include (kind, score);
