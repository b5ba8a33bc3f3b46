-- People and organisations. What is personal is one sealed value: name, mail, phone, language,
-- encrypted under the party's own key.
create table parties (
    tenant_id text not null check (length(tenant_id) between 1 and 64),
    party_id uuid not null,
    region text not null check (length(region) <= 100),
    version bigint not null check (version >= 1),
    -- Format version, nonce, AES-256-GCM cipher text and tag; see docs/decisions/0011.
    sealed bytea not null check (length(sealed) between 29 and 8192),
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (tenant_id, party_id)
);

create index parties_region on parties (tenant_id, region, party_id);
