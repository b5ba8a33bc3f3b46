-- Repairs heard from dispatch: they lengthen and restart terms. One per work order, for ever.
create table asset_repairs (
    tenant_id text not null,
    asset_id uuid not null,
    work_order uuid not null,
    ticket uuid,
    -- Component classes repaired; empty: not known.
    components text[] not null,
    -- Civil dates at the site.
    received_on date not null,
    completed_on date not null,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    check (completed_on >= received_on),
    primary key (tenant_id, asset_id, work_order),
    unique (tenant_id, work_order),
    foreign key (tenant_id, asset_id) references assets (tenant_id, id)
);
