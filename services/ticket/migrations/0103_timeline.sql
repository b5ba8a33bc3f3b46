-- The timeline, append-only and chained. Partitioned by the ticket's uuid v7, so that a ticket's
-- entries lie together, keys stay unique, and a reading touches one partition. Quarters: at ten
-- thousand tickets a day about eleven million entries each.
create table ticket_events (
    tenant_id text not null,
    ticket_id uuid not null,
    sequence bigint not null check (sequence >= 1),
    verb text not null,
    actor text not null,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    state text not null,
    arguments jsonb not null,
    -- Free text of a person; null once erased. The hash stays.
    body text,
    salt bytea,
    text_hash bytea,
    previous_hash bytea not null check (length(previous_hash) = 32),
    hash bytea not null check (length(hash) = 32),
    primary key (tenant_id, ticket_id, sequence),
    check ((salt is null) = (text_hash is null))
) partition by range (ticket_id);

create table ticket_events_rest partition of ticket_events default;

do $$
declare
    quarter timestamptz;
begin
    for quarter in select generate_series('2026-10-01 00:00Z', '2030-10-01 00:00Z', '3 months'::interval) loop
        execute format(
            'create table %I partition of ticket_events for values from (%L) to (%L)',
            'ticket_events_' || to_char(quarter at time zone 'UTC', 'YYYY"q"Q'),
            uuid7_floor(quarter),
            uuid7_floor(quarter + interval '3 months'));
    end loop;
end $$;

-- History is added to, never rewritten; only the free text may be erased.
create function ticket_events_are_history() returns trigger
language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        raise exception 'an entry of the timeline is never deleted';
    end if;
    if (new.body is not null and new.body is distinct from old.body)
        or (to_jsonb(new) - 'body') is distinct from (to_jsonb(old) - 'body') then
        raise exception 'an entry of the timeline is never rewritten';
    end if;
    return new;
end $$;

create trigger ticket_events_are_history
    before update or delete on ticket_events
    for each row execute function ticket_events_are_history();
