-- Who does what only one may do. The fence rises at each change of holder; a write that belongs to
-- a lease checks its fence in its own transaction, so that a holder that was paused past its time
-- cannot write.
create table leases (
    name text primary key check (length(name) between 1 and 200),
    holder uuid not null,
    fence bigint not null check (fence > 0),
    until timestamptz not null
);
