-- Finds the reservations of an erased ticket that still tell where its customer lives.
create index reservations_near on reservations (tenant_id, ticket) where near_latitude is not null;
