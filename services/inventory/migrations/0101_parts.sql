-- The catalogue: what a part is and which products it fits.
create table parts (
    tenant_id text not null,
    number text not null check (number ~ '^[A-Z0-9.-]{1,40}$'),
    title text not null check (length(title) between 1 and 200),
    component text not null check (length(component) between 1 and 40),
    products text[] not null default '{}' check (cardinality(products) <= 500),
    serialised boolean not null,
    cost_amount numeric(20, 9) check (cost_amount >= 0),
    cost_currency text check (cost_currency ~ '^[A-Z]{3}$'),
    hazardous boolean not null,
    arrivals bigint not null default 0 check (arrivals >= 0),
    version bigint not null default 1,
    created_at timestamptz not null,
    primary key (tenant_id, number),
    check ((cost_amount is null) = (cost_currency is null))
);

comment on column parts.arrivals is 'Receipts so far: the version of part.arrived events.';

create index parts_component on parts (tenant_id, component, number);
create index parts_products on parts using gin (products);
