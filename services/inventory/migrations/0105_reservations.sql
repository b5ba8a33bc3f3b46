-- Parts held for one step of one ticket, once for ever. A row without a ticket is a tombstone:
-- the reservation was released before it was made.
create table reservations (
    tenant_id text not null,
    id uuid not null,
    region text not null default '',
    ticket uuid,
    step text not null check (length(step) <= 40),
    round integer not null check (round >= 1),
    state text not null check (state in ('HELD', 'BACKORDERED', 'COMMITTED', 'RELEASED', 'EXPIRED')),
    priority smallint not null check (priority between 1 and 4),
    near_latitude double precision,
    near_longitude double precision,
    needed_by timestamptz,
    expire_at timestamptz,
    findings jsonb not null default '[]',
    occurred_at timestamptz not null,
    created_at timestamptz not null,
    version bigint not null default 1,
    primary key (tenant_id, id),
    unique (tenant_id, ticket, step, round),
    check (ticket is not null or state = 'RELEASED'),
    check (state <> 'HELD' or expire_at is not null),
    check ((near_latitude is null) = (near_longitude is null))
);

create index reservations_newest on reservations (tenant_id, created_at, id);
create index reservations_state on reservations (tenant_id, state, created_at, id);
create index reservations_expiry on reservations (expire_at) where state = 'HELD';

-- One part at one place; without a place while it waits. Lines settle with their reservation.
create table reservation_lines (
    tenant_id text not null,
    reservation uuid not null,
    position smallint not null,
    part text not null,
    quantity bigint not null check (quantity > 0),
    location text,
    serials text[] not null default '{}',
    used bigint not null default 0,
    standing text not null check (standing in ('WAITING', 'HELD', 'SETTLED')),
    primary key (tenant_id, reservation, position),
    foreign key (tenant_id, reservation) references reservations (tenant_id, id),
    foreign key (tenant_id, part, location) references stock_levels (tenant_id, part, location),
    check (used between 0 and quantity),
    check (standing <> 'HELD' or location is not null),
    check (standing <> 'WAITING' or location is null)
);

create index reservation_lines_waiting on reservation_lines (tenant_id, part)
    where standing = 'WAITING';
