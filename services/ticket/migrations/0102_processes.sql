-- The progress worker's side of a ticket: when to look, who looks, what was asked.
create table processes (
    tenant_id text not null,
    ticket_id uuid not null,
    -- When the next step is due, in system time; null: not before an event.
    due_at timestamptz,
    -- Until when a worker has it.
    leased_until timestamptz not null,
    fence bigint not null,
    attempts integer not null,
    -- The step that was asked of a peer, and the very bytes that were sent.
    asked_step text,
    asked_round integer,
    asked bytea,
    -- W3C trace context of what opened or last moved the ticket.
    traceparent text not null,
    primary key (tenant_id, ticket_id),
    foreign key (tenant_id, ticket_id) references tickets (tenant_id, ticket_id),
    check ((asked_step is null) = (asked is null))
) with (fillfactor = 70);

create index processes_due on processes (due_at) where due_at is not null;
