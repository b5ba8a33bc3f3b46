-- Every piece of a serialised part that ever was in stock. Changes under the level's row lock.
create table part_serials (
    tenant_id text not null,
    part text not null,
    serial text not null check (length(serial) between 1 and 64),
    status text not null check (status in ('AVAILABLE', 'HELD', 'CONSUMED')),
    location text not null,
    reservation uuid,
    received_at timestamptz not null,
    primary key (tenant_id, part, serial),
    foreign key (tenant_id, part, location) references stock_levels (tenant_id, part, location),
    check ((status = 'AVAILABLE') = (reservation is null))
);

comment on column part_serials.location is 'Where it is, or for a consumed piece where it was last.';
comment on column part_serials.reservation is 'Who holds it, or who consumed it.';

-- First in, first out: the next piece of a shelf.
create index part_serials_next on part_serials (tenant_id, part, location, received_at, serial)
    where status = 'AVAILABLE';
