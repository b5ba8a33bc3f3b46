-- What is known of a device's life, in two times: since when it is true, and from when to when it
-- was believed. A correction closes a row's belief and adds another; no value is ever rewritten.
create table asset_facts (
    tenant_id text not null,
    asset_id uuid not null,
    kind text not null check (kind in ('SALE', 'DELIVERY', 'ACCEPTANCE', 'MANUFACTURE')),
    value date not null,
    valid_from timestamptz not null,
    known_from timestamptz not null,
    known_to timestamptz check (known_to > known_from),
    primary key (tenant_id, asset_id, kind, known_from),
    foreign key (tenant_id, asset_id) references assets (tenant_id, id)
);

create unique index asset_facts_believed on asset_facts (tenant_id, asset_id, kind)
    where known_to is null;
