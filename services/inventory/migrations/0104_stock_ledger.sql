-- The ledger: movements whose entries add up to zero. Written once, never changed.
create table stock_movements (
    tenant_id text not null,
    id uuid not null,
    kind text not null
        check (kind in ('RECEIPT', 'ADJUSTMENT', 'HOLD', 'RELEASE', 'CONSUMPTION')),
    part text not null,
    subject text not null default '',
    reference text not null default '' check (length(reference) <= 200),
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    primary key (tenant_id, id)
);

create index stock_movements_part on stock_movements (tenant_id, part, id);
create index stock_movements_subject on stock_movements (tenant_id, subject, id)
    where subject <> '';

create table stock_entries (
    tenant_id text not null,
    movement uuid not null,
    position smallint not null,
    account text not null
        check (account in ('available', 'held', 'supplier', 'customer', 'adjustment', 'scrap')),
    location text,
    quantity bigint not null check (quantity <> 0),
    primary key (tenant_id, movement, position),
    foreign key (tenant_id, movement) references stock_movements (tenant_id, id),
    check ((account in ('available', 'held')) = (location is not null))
);

-- A movement is written whole by one statement, so a statement's entries must balance by
-- themselves: one grouping per statement instead of a deferred trigger per row.
create function refuse_unbalanced_entries() returns trigger
language plpgsql as $$
declare
    lopsided uuid;
begin
    select movement into lopsided from added group by tenant_id, movement
    having sum(quantity) <> 0 limit 1;
    if found then
        raise exception 'the entries of stock movement % do not add up to zero', lopsided
            using errcode = 'check_violation';
    end if;
    return null;
end $$;

create trigger stock_entries_balance after insert on stock_entries
    referencing new table as added
    for each statement execute function refuse_unbalanced_entries();

create function refuse_ledger_change() returns trigger
language plpgsql as $$
begin
    raise exception 'the stock ledger is append-only: correct by a new movement'
        using errcode = 'restrict_violation';
end $$;

create trigger stock_movements_append_only before update or delete or truncate on stock_movements
    for each statement execute function refuse_ledger_change();
create trigger stock_entries_append_only before update or delete or truncate on stock_entries
    for each statement execute function refuse_ledger_change();
