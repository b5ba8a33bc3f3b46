-- Background work finds what is due or awaited, of whatever tenant; it acts as that tenant.
select grant_worker('select (tenant_id, id, state, expire_at)', 'reservations');
select grant_worker('select (tenant_id, part, standing)', 'reservation_lines');
select grant_worker('select (tenant_id, part, available)', 'stock_levels');
