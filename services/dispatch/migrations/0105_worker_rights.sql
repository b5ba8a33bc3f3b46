-- Background work finds what is due, of whatever tenant; it acts as that tenant.
select grant_worker('select (tenant_id, id, state, next_try_at)', 'work_orders');
