-- What the service tells, written in the commit of the change it tells of.
create table outbox (
    event_id uuid not null,
    tenant_id text not null,
    kind text not null check (length(kind) between 1 and 100),
    aggregate text not null check (length(aggregate) between 1 and 300),
    version bigint not null,
    partition smallint not null check (partition between 0 and 7),
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    traceparent text not null default '',
    payload bytea not null,
    -- Place in the partition's feed: given once, durably, before the first publication.
    sequence bigint check (sequence > 0),
    primary key (event_id)
) partition by range (event_id);

create index outbox_unnumbered on outbox (event_id) where sequence is null;
create index outbox_unnumbered_aggregate on outbox (tenant_id, aggregate, version)
    where sequence is null;
create index outbox_feed on outbox (partition, sequence) where sequence is not null;

create table outbox_rest partition of outbox default;

-- Per partition: the last number given and the last one published.
create table relay_partitions (
    partition smallint primary key check (partition between 0 and 7),
    numbered bigint not null default 0 check (numbered >= 0),
    published bigint not null default 0 check (published between 0 and numbered)
);

insert into relay_partitions (partition)
select p from generate_series(0, 7) as p;

-- The life of the streams this relay wrote to; another value in Redis means that they vanished.
create table relay_epoch (
    one boolean primary key default true check (one),
    epoch uuid
);

insert into relay_epoch (one) values (true);

-- How far each registered consumer has come, as last reported by it.
create table consumer_positions (
    consumer text not null check (length(consumer) between 1 and 100),
    partition smallint not null check (partition between 0 and 7),
    sequence bigint not null check (sequence >= 0),
    reported_at timestamptz not null,
    primary key (consumer, partition)
);
