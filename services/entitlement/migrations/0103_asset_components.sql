-- Components of a device with their own serial numbers. A repair takes one out (`removed_on`) and
-- adds its successor.
create table asset_components (
    tenant_id text not null,
    asset_id uuid not null,
    id uuid not null,
    component text not null check (length(component) between 1 and 40),
    serial_number text check (length(serial_number) between 1 and 64),
    -- Null: since manufacture.
    installed_on date,
    removed_on date,
    -- Work order that built it in; null: known from registration.
    work_order uuid,
    known_from timestamptz not null,
    primary key (tenant_id, asset_id, id),
    foreign key (tenant_id, asset_id) references assets (tenant_id, id)
);
