-- The progress worker finds what is due, of whatever tenant; the ticket itself it reads and saves
-- as that tenant's.
select grant_worker('select, update', 'processes');
