-- A work order whose customer was erased keeps what was done and in which city; no statement puts
-- words or a street back.
alter table work_orders add column erased_at timestamptz;
alter table work_orders add constraint work_orders_erased_check check (erased_at is null or (
    report = '' and signature = '' and cancel_reason = ''
    and coalesce(site #> '{address,address_lines}', '[]') = '[]'
    and coalesce(site #>> '{address,postal_code}', '') = ''));
