-- One visit or bench repair. A step of a ticket has one per round, for ever.
create table work_orders (
    tenant_id text not null,
    id uuid not null,
    region text not null check (length(region) between 1 and 40),
    ticket_id uuid not null,
    step text not null check (length(step) between 1 and 40),
    round integer not null check (round >= 1),
    mode text not null check (mode in ('ON_SITE', 'BENCH', 'REMOTE', 'PICK_UP')),
    work_type text not null check (length(work_type) between 1 and 40),
    needs jsonb not null check (jsonb_typeof(needs) = 'array'),
    parts text[] not null,
    site jsonb not null check (jsonb_typeof(site) = 'object'),
    duration_seconds bigint not null check (duration_seconds between 900 and 43200),
    -- Earliest start and latest end of the work: business time, may be years ago.
    search_start timestamptz not null,
    search_end timestamptz not null,
    state text not null check (state in ('OPEN', 'OFFERED', 'SCHEDULED', 'EN_ROUTE', 'ON_SITE',
        'IN_PROGRESS', 'COMPLETED', 'INCOMPLETE', 'CANCELLED')),
    technician_id uuid,
    starts_at timestamptz,
    ends_at timestamptz,
    travel_seconds bigint not null default 0 check (travel_seconds >= 0),
    findings jsonb not null check (jsonb_typeof(findings) = 'array'),
    parts_used jsonb not null default '[]' check (jsonb_typeof(parts_used) = 'array'),
    report text not null default '' check (length(report) <= 4000),
    signature text not null default '' check (length(signature) <= 100),
    cancel_reason text not null default '' check (length(cancel_reason) <= 500),
    reservation_id uuid,
    asset_id uuid,
    component text,
    party_id uuid,
    -- Business time of each step; when it was recorded stands in the events.
    occurred_at timestamptz not null,
    departed_at timestamptz,
    arrived_at timestamptz,
    started_at timestamptz,
    ended_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    -- System time of the next search for a technician; set while OPEN.
    next_try_at timestamptz,
    version bigint not null default 1,
    primary key (tenant_id, id),
    constraint work_orders_step unique (tenant_id, ticket_id, step, round),
    foreign key (tenant_id, technician_id) references technicians (tenant_id, id),
    check (search_end > search_start),
    check ((technician_id is null) = (starts_at is null) and (starts_at is null) = (ends_at is null)),
    check (ends_at > starts_at),
    check (state in ('OPEN', 'OFFERED', 'CANCELLED') or technician_id is not null),
    check (state <> 'OPEN' or (technician_id is null and next_try_at is not null))
) with (fillfactor = 80);

create index work_orders_newest on work_orders (tenant_id, occurred_at desc, id desc);
create index work_orders_technician on work_orders (tenant_id, technician_id, occurred_at desc, id desc)
    where technician_id is not null;
create index work_orders_region on work_orders (tenant_id, region, occurred_at desc, id desc);
create index work_orders_due on work_orders (next_try_at) where state = 'OPEN';
