-- Work order ids chosen by callers. Create and cancel meet here at one unique row, so that a create
-- which arrives after the cancel of its id is refused however the two race.
create table work_order_claims (
    tenant_id text not null,
    work_order_id uuid not null,
    claimed_at timestamptz not null,
    withdrawn boolean not null,
    primary key (tenant_id, work_order_id)
);
