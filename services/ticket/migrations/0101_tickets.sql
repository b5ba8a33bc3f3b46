-- One row a ticket: what was reported, where it stands, what its process knows.
create table tickets (
    tenant_id text not null,
    ticket_id uuid not null,
    number text not null,
    kind text not null,
    title text not null check (length(title) between 1 and 200),
    description text not null check (length(description) <= 8000),
    serial_number text not null check (length(serial_number) <= 64),
    product text not null check (length(product) <= 64),
    party_id uuid,
    region text not null,
    site jsonb,
    fault jsonb not null,
    impact smallint not null check (impact between 1 and 3),
    urgency smallint not null check (urgency between 1 and 3),
    priority smallint not null check (priority between 1 and 4),
    state text not null check (state in (
        'ACKNOWLEDGED', 'IN_PROGRESS', 'PENDING', 'HELD',
        'RESOLVED', 'CLOSED', 'CANCELLED', 'REJECTED')),
    step text not null,
    pause_reason text,
    queue text not null,
    assignee text not null,
    external_key text,
    round integer not null check (round >= 1),
    attention text not null,
    resolution text not null,
    sla_policy text not null,
    -- Clock-relevant part of the timeline, in order of time.
    moments jsonb not null,
    -- What the process knows of coverage, parts, visit and quote.
    facts jsonb not null,
    -- The coverage decision as the entitlement service wrote it.
    decision bytea,
    findings bytea[] not null,
    -- Index of the open clocks: the earliest due instant. Computed, never added up.
    next_due timestamptz,
    reported_at timestamptz not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    version bigint not null check (version >= 1),
    last_sequence bigint not null,
    last_hash bytea not null check (length(last_hash) = 32),
    primary key (tenant_id, ticket_id),
    unique (tenant_id, number),
    check ((state in ('PENDING', 'HELD')) = (pause_reason is not null))
);

create unique index tickets_external_key on tickets (tenant_id, external_key)
    where external_key is not null;
create index tickets_serial_number on tickets (tenant_id, serial_number, ticket_id desc)
    where serial_number <> '';
create index tickets_party on tickets (tenant_id, party_id, ticket_id desc)
    where party_id is not null;
create index tickets_region_state on tickets (tenant_id, region, state, ticket_id desc);
create index tickets_next_due on tickets (tenant_id, next_due) where next_due is not null;
create index tickets_attention on tickets (tenant_id, ticket_id desc) where attention <> '';

-- Numbers are handed out in blocks: one call gives a process a hundred.
create sequence ticket_numbers increment by 100 start with 1;
