-- A technician's time: travel to the site and the work there. The exclusion constraint is the wall
-- behind the promise that nobody is booked twice at one time (btree_gist gives equality in gist).
-- The administrator makes the extension beforehand where an owner may not.
create extension if not exists btree_gist with schema public;

create table bookings (
    tenant_id text not null,
    work_order_id uuid not null,
    technician_id uuid not null,
    -- From setting out to the end of the work.
    during tstzrange not null,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    site_lat double precision not null,
    site_lng double precision not null,
    primary key (tenant_id, work_order_id),
    -- Deferred: a booking is won before its work order is written.
    foreign key (tenant_id, work_order_id) references work_orders (tenant_id, id)
        deferrable initially deferred,
    foreign key (tenant_id, technician_id) references technicians (tenant_id, id),
    constraint bookings_never_overlap exclude using gist
        (tenant_id with =, technician_id with =, during with &&),
    check (not isempty(during) and not lower_inf(during) and not upper_inf(during)),
    check (lower(during) <= starts_at and starts_at < ends_at and upper(during) = ends_at)
);

create index bookings_diary on bookings (tenant_id, technician_id, ends_at);
