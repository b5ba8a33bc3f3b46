-- Plans sold for devices. The policy's version is fixed when the contract is made.
create table contracts (
    tenant_id text not null,
    id uuid not null,
    region text not null default '',
    policy text not null check (length(policy) between 1 and 63),
    policy_version integer not null check (policy_version > 0),
    start_on date not null,
    end_on date not null,
    holder uuid,
    occurred_at timestamptz not null,
    created_at timestamptz not null,
    version bigint not null default 1 check (version > 0),
    check (end_on >= start_on),
    primary key (tenant_id, id)
);

create table contract_assets (
    tenant_id text not null,
    contract_id uuid not null,
    asset_id uuid not null,
    -- Place in the contract's list, from 0.
    position integer not null check (position >= 0),
    primary key (tenant_id, contract_id, asset_id),
    foreign key (tenant_id, contract_id) references contracts (tenant_id, id),
    foreign key (tenant_id, asset_id) references assets (tenant_id, id)
);

create index contract_assets_asset on contract_assets (tenant_id, asset_id, contract_id);
