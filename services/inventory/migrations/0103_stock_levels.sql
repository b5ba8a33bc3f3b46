-- Balances of the ledger's two accounts per part and location, kept in the transaction of each
-- movement. Every change of a balance holds this row's lock, taken in the order (part, location).
create table stock_levels (
    tenant_id text not null,
    part text not null,
    location text not null,
    available bigint not null default 0 check (available >= 0),
    held bigint not null default 0 check (held >= 0),
    primary key (tenant_id, part, location),
    foreign key (tenant_id, part) references parts (tenant_id, number),
    foreign key (tenant_id, location) references stock_locations (tenant_id, code)
) with (fillfactor = 50);

create index stock_levels_location on stock_levels (tenant_id, location, part);
