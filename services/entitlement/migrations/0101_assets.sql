-- Devices by serial number and product: a serial number alone is not unique.
create table assets (
    tenant_id text not null,
    id uuid not null,
    region text not null default '',
    serial_number text not null check (length(serial_number) between 1 and 64),
    product text not null check (length(product) between 1 and 64),
    category text not null check (length(category) between 1 and 40),
    owner uuid,
    -- Vendor policy that came with it; null: the category's default.
    vendor_policy text check (length(vendor_policy) between 1 and 63),
    -- Day of registration in the world (UTC); some vendor terms ask for it.
    registered_on date not null,
    occurred_at timestamptz not null,
    created_at timestamptz not null,
    -- Rises with each repair, contract or correction; orders the events about the device.
    version bigint not null default 1 check (version > 0),
    primary key (tenant_id, id),
    unique (tenant_id, serial_number, product)
);

create index assets_product on assets (tenant_id, product, id);
create index assets_owner on assets (tenant_id, owner, id) where owner is not null;
