-- Who did what: one row for each change that somebody asked for, written in its commit, then
-- numbered and chained per tenant by one sealer.
--
-- The request only appends to `audit_pending`: no counter is shared, so no commit waits for
-- another. The sealer moves rows into `audit_entries`, which nobody may change.
create table audit_pending (
    id uuid primary key,
    tenant_id text not null,
    recorded_at timestamptz not null,
    principal text not null check (length(principal) <= 300),
    rpc text not null check (length(rpc) between 1 and 200),
    origin text not null check (length(origin) <= 100),
    request_id text not null check (length(request_id) <= 64),
    resource text not null check (length(resource) <= 300),
    before bytea check (length(before) = 32),
    after bytea check (length(after) = 32)
);

create table audit_entries (
    tenant_id text not null,
    number bigint not null check (number > 0),
    id uuid not null,
    recorded_at timestamptz not null,
    principal text not null,
    rpc text not null,
    origin text not null,
    request_id text not null,
    resource text not null,
    before bytea check (length(before) = 32),
    after bytea check (length(after) = 32),
    hash bytea not null check (length(hash) = 32),
    primary key (tenant_id, number)
);

create index audit_entries_resource on audit_entries (tenant_id, resource, number);

comment on column audit_entries.hash is
    'SHA-256 over the row and the hash of the row before.';

-- Where each tenant's chain stands, signed by the service.
create table audit_heads (
    tenant_id text primary key,
    number bigint not null check (number > 0),
    hash bytea not null check (length(hash) = 32),
    signed_at timestamptz not null,
    key_id text not null default '',
    signature bytea not null default ''
);

comment on column audit_heads.key_id is
    'Which key signed; empty: the service has none.';

-- On whose behalf an event is told; empty: the service's own.
alter table outbox add column principal text not null default ''
    check (length(principal) <= 300);
alter table dead_letters add column principal text not null default '';

do $$
declare
    service text := 'fettle_' || current_schema();
begin
    if to_regrole(quote_ident(service)) is not null then
        execute format('revoke all on audit_pending, audit_entries, audit_heads from %I', service);
        execute format('grant insert on audit_pending to %I', service);
        perform grant_worker('select, delete', 'audit_pending');
        perform grant_worker('select, insert', 'audit_entries');
        perform grant_worker('select, insert, update', 'audit_heads');
    end if;
end $$;
