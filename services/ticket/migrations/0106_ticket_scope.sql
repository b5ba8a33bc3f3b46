-- Whom a ticket belongs to besides its customer and region: the partner that reported it, and the
-- technician who is sent.
alter table tickets add column partner text check (length(partner) between 1 and 200);
alter table tickets add column technician_id uuid;
update tickets set technician_id = (facts ->> 'technician')::uuid
    where facts ->> 'technician' is not null;
create index tickets_partner on tickets (tenant_id, partner, ticket_id desc)
    where partner is not null;
create index tickets_technician on tickets (tenant_id, technician_id, ticket_id desc)
    where technician_id is not null;
