-- Tables that grow with time are partitioned by day on a uuid v7 key, whose first 48 bits are
-- milliseconds since 1970. The key stays unique by itself, and old days are dropped, not deleted.

create function uuid7_floor(at timestamptz) returns uuid
language sql immutable strict parallel safe
return (
    lpad(to_hex(floor(extract(epoch from at) * 1000)::bigint), 12, '0') || '70008000000000000000'
)::uuid;

comment on function uuid7_floor(timestamptz) is
    'The smallest uuid v7 of the millisecond that contains the instant.';

create function uuid7_time(id uuid) returns timestamptz
language sql immutable strict parallel safe
return to_timestamp(
    ('x0000' || left(replace(id::text, '-', ''), 12))::bit(64)::bigint / 1000.0
);

comment on function uuid7_time(uuid) is 'The millisecond a uuid v7 was made in.';

-- Makes the partitions `<parent>_pYYYYMMDD` (UTC days) from the given day on, and moves rows that
-- waited in the default partition into them. Returns how many it made. A day that cannot be
-- locked quickly is left for the next call: the default partition holds its rows until then.
create function ensure_partitions(parent text, first_day date, days_ahead integer)
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

-- Drops the daily partitions that end before the instant; the default partition stays.
create function drop_partitions_before(parent text, horizon timestamptz)
returns integer
language plpgsql security definer
set search_path from current
set timezone = 'UTC'
set lock_timeout = '2s'
as $$
declare
    dropped integer := 0;
    child text;
begin
    perform pg_advisory_xact_lock(hashtext(current_schema() || '.' || parent));
    for child in
        select c.relname
        from pg_inherits i
        join pg_class c on c.oid = i.inhrelid
        where i.inhparent = to_regclass(format('%I.%I', current_schema(), parent))
          and c.relname ~ ('^' || parent || '_p[0-9]{8}$')
          and to_date(right(c.relname, 8), 'YYYYMMDD') + 1 <= (horizon at time zone 'UTC')::date
        order by c.relname
    loop
        begin
            execute format('drop table %I', child);
            dropped := dropped + 1;
        exception when lock_not_available then
            raise warning 'partition % is busy and stays until the next call', child;
        end;
    end loop;
    return dropped;
end $$;

-- Dropping days is the worker's task alone.
do $$
declare
    runtime text := 'fettle_' || current_schema();
begin
    if to_regrole(quote_ident(runtime)) is not null then
        execute format('revoke execute on function drop_partitions_before(text, timestamptz) from %I', runtime);
        execute format('revoke execute on function ensure_partitions(text, date, integer) from %I', runtime);
    end if;
end $$;
