-- Places that hold stock.
create table stock_locations (
    tenant_id text not null,
    code text not null check (code ~ '^[A-Z0-9-]{1,40}$'),
    region text not null default '',
    kind text not null check (kind in ('CENTRAL', 'REGIONAL', 'DEPOT', 'SERVICE_CENTRE', 'TRUCK')),
    title text not null check (length(title) between 1 and 200),
    latitude double precision not null check (latitude between -90 and 90),
    longitude double precision not null check (longitude between -180 and 180),
    created_at timestamptz not null,
    version bigint not null default 1,
    primary key (tenant_id, code)
);
