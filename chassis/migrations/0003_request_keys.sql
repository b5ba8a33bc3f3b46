-- The first answer of each keyed request. Not partitioned: a key must be unique over a sliding
-- week, and a unique index of a partitioned table is unique within one partition only.
create table request_keys (
    tenant_id text not null,
    principal text not null,
    rpc text not null,
    request_id text not null check (length(request_id) between 1 and 64),
    body_hash bytea not null check (length(body_hash) = 32),
    answer bytea,
    created_at timestamptz not null,
    primary key (tenant_id, principal, rpc, request_id)
);

comment on column request_keys.answer is
    'Encoded answer; null only within the transaction that makes it.';

create index request_keys_created_at on request_keys (created_at);
