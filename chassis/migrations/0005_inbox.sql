-- How far a consumer of this service has come in each feed it hears; advanced in the transaction
-- of the effect, so an event takes effect once however often it is delivered.
create table inbox_positions (
    consumer text not null,
    producer text not null,
    partition smallint not null check (partition between 0 and 7),
    sequence bigint not null default 0 check (sequence >= 0),
    -- Where to begin reading after a restart; worthless when the epoch has changed.
    stream_id text not null default '0-0',
    epoch text not null default '',
    primary key (consumer, producer, partition)
);

-- Events this service could not digest, with the reason; one command replays one.
create table dead_letters (
    id uuid primary key,
    consumer text not null,
    producer text not null,
    partition smallint not null,
    sequence bigint not null,
    event_id uuid,
    tenant_id text not null default '',
    kind text not null default '',
    aggregate text not null default '',
    version bigint not null default 0,
    occurred_at timestamptz,
    recorded_at timestamptz,
    traceparent text not null default '',
    payload bytea not null,
    reason text not null,
    detail text not null default '' check (length(detail) <= 2000),
    failed_at timestamptz not null,
    replayed_at timestamptz
);

create index dead_letters_waiting on dead_letters (failed_at) where replayed_at is null;
create unique index dead_letters_place on dead_letters (consumer, producer, partition, sequence);
