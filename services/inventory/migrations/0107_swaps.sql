-- Which piece replaced which in a customer's device, and by which visit.
create table swaps (
    tenant_id text not null,
    id uuid not null,
    ticket uuid not null,
    work_order text not null default '',
    reservation uuid not null,
    part text not null,
    old_serial text not null default '',
    new_serial text not null default '',
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    primary key (tenant_id, id),
    foreign key (tenant_id, reservation) references reservations (tenant_id, id),
    check (old_serial <> '' or new_serial <> '')
);

create index swaps_ticket on swaps (tenant_id, ticket, occurred_at);
create index swaps_new_serial on swaps (tenant_id, part, new_serial);
create index swaps_old_serial on swaps (tenant_id, part, old_serial);
