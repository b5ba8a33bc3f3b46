-- Row-level security on every table, forced: what a query forgot to filter stays hidden.
--
-- The role that serves requests touches the rows of the tenant in the setting `fettle.tenant`, and
-- no row where there is none. Background work sees every tenant, in the few tables and columns it
-- is granted. The auditor reads everything and changes nothing. A partition is reached through its
-- parent only.
create function raise_walls() returns integer
language plpgsql
set search_path from current
as $$
declare
    service text := 'fettle_' || current_schema();
    owner text := service || '_owner';
    worker text := service || '_worker';
    auditor text := service || '_auditor';
    has_auditor boolean := to_regrole(quote_ident(service || '_auditor')) is not null;
    walled record;
    raised integer := 0;
begin
    perform pg_advisory_xact_lock(hashtext(current_schema() || '.raise_walls'));
    if has_auditor then
        execute format('grant usage on schema %I to %I', current_schema(), auditor);
    end if;
    execute format('grant select on _sqlx_migrations to %I', worker);
    for walled in
        select c.oid, c.relname as name, c.relispartition as is_partition,
            c.relrowsecurity and c.relforcerowsecurity as is_forced,
            exists (select from pg_attribute a where a.attrelid = c.oid
                and a.attname = 'tenant_id' and not a.attisdropped) as has_tenant,
            array(select p.polname::text from pg_policy p where p.polrelid = c.oid) as policies
        from pg_class c
        where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p')
        order by c.relname
    loop
        if not walled.is_forced then
            execute format('alter table %I enable row level security, force row level security',
                walled.name);
            raised := raised + 1;
        end if;
        if 'owner' <> all (walled.policies) then
            execute format('create policy owner on %I to %I using (true) with check (true)',
                walled.name, owner);
        end if;
        continue when walled.is_partition;
        if 'tenant' <> all (walled.policies) then
            if walled.has_tenant then
                execute format('create policy tenant on %I to %I
                    using (tenant_id = current_setting(''fettle.tenant'', true))
                    with check (tenant_id = current_setting(''fettle.tenant'', true))',
                    walled.name, service);
            else
                execute format('create policy tenant on %I to %I using (true) with check (true)',
                    walled.name, service);
            end if;
        end if;
        if 'worker' <> all (walled.policies) then
            execute format('create policy worker on %I to %I using (true) with check (true)',
                walled.name, worker);
        end if;
        if has_auditor then
            if 'auditor' <> all (walled.policies) then
                execute format('create policy auditor on %I for select to %I using (true)',
                    walled.name, auditor);
            end if;
            execute format('grant select on %I to %I', walled.name, auditor);
        end if;
    end loop;
    return raised;
end $$;

comment on function raise_walls() is
    'Puts every table of the schema behind row-level security; called at the end of each migration.';

-- As before, and the new day is walled off as well.
create or replace function ensure_partitions(parent text, first_day date, days_ahead integer)
returns integer
language plpgsql security definer
set search_path from current
set timezone = 'UTC'
set lock_timeout = '2s'
as $$
declare
    made integer := 0;
    day date;
    child text;
    key text;
    low uuid;
    high uuid;
begin
    if days_ahead not between 0 and 366 then
        raise exception 'days_ahead must be between 0 and 366, not %', days_ahead;
    end if;
    perform pg_advisory_xact_lock(hashtext(current_schema() || '.' || parent));

    select a.attname into strict key
    from pg_partitioned_table p
    join pg_attribute a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0]
    where p.partrelid = to_regclass(format('%I.%I', current_schema(), parent));

    execute format('create table if not exists %I partition of %I default', parent || '_rest', parent);

    for day in select generate_series(first_day, first_day + days_ahead, '1 day')::date loop
        child := parent || '_p' || to_char(day, 'YYYYMMDD');
        continue when to_regclass(format('%I.%I', current_schema(), child)) is not null;
        low := uuid7_floor(day::timestamp at time zone 'UTC');
        high := uuid7_floor((day + 1)::timestamp at time zone 'UTC');
        begin
            execute format(
                'create table %I (like %I including defaults including constraints including storage)',
                child, parent);
            execute format('alter table %I enable row level security, force row level security', child);
            execute format('create policy owner on %I to %I using (true) with check (true)',
                child, 'fettle_' || current_schema() || '_owner');
            execute format(
                'with moved as (delete from %I where %I >= %L and %I < %L returning *)
                 insert into %I select * from moved',
                parent || '_rest', key, low, key, high, child);
            execute format(
                'alter table %I attach partition %I for values from (%L) to (%L)',
                parent, child, low, high);
            made := made + 1;
        exception when lock_not_available then
            raise warning 'partition % waits for the next call: its parent is busy', child;
        end;
    end loop;
    return made;
end $$;

-- Grants background work a right on one of the tables or on some of its columns.
create function grant_worker(rights text, on_table text) returns void
language plpgsql
set search_path from current
as $$
begin
    execute format('grant %s on %I to %I', rights, on_table,
        'fettle_' || current_schema() || '_worker');
end $$;

revoke execute on function raise_walls() from public;
revoke execute on function grant_worker(text, text) from public;

do $$
declare
    service text := 'fettle_' || current_schema();
    worker text := 'fettle_' || current_schema() || '_worker';
begin
    if to_regrole(quote_ident(worker)) is not null then
        execute format('revoke execute on function raise_walls() from %I, %I', service, worker);
        execute format('revoke execute on function grant_worker(text, text) from %I, %I',
            service, worker);
        execute format('alter default privileges in schema %I revoke all on tables from %I',
            current_schema(), worker);
        execute format('revoke all on all tables in schema %I from %I', current_schema(), worker);
        perform grant_worker('select, insert, update, delete', 'leases');
        perform grant_worker('select, update, insert', 'outbox');
        perform grant_worker('select, update', 'relay_partitions');
        perform grant_worker('select, update', 'relay_epoch');
        perform grant_worker('select, insert, update, delete', 'consumer_positions');
        perform grant_worker('select, insert, update', 'inbox_positions');
        perform grant_worker('select (id, tenant_id)', 'dead_letters');
        -- Locking a row needs a right to change it.
        perform grant_worker('select (tenant_id, principal, rpc, request_id, created_at),
            update (created_at), delete', 'request_keys');
    end if;
end $$;

-- What nobody could read is of nobody, and is put aside while hearing somebody's events.
do $$
begin
    if to_regrole(quote_ident('fettle_' || current_schema())) is not null then
        execute format('create policy tenant on dead_letters to %I
            using (tenant_id in ('''', current_setting(''fettle.tenant'', true)))
            with check (tenant_id in ('''', current_setting(''fettle.tenant'', true)))',
            'fettle_' || current_schema());
    end if;
end $$;
