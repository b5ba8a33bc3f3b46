-- Offers of repairs at a price.
create table quotes (
    tenant_id text not null,
    quote_id uuid not null,
    ticket_id uuid not null,
    state text not null check (state in ('OPEN', 'APPROVED', 'DECLINED', 'EXPIRED')),
    lines jsonb not null,
    amount numeric(20, 9) not null check (amount >= 0),
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    expires_at timestamptz not null,
    issued_at timestamptz not null,
    created_at timestamptz not null,
    decided_at timestamptz,
    decided_by text,
    decline_reason text,
    version bigint not null check (version >= 1),
    primary key (tenant_id, quote_id),
    foreign key (tenant_id, ticket_id) references tickets (tenant_id, ticket_id),
    check ((state = 'OPEN') = (decided_at is null))
);

create index quotes_ticket on quotes (tenant_id, ticket_id, quote_id desc);
create unique index quotes_one_open on quotes (tenant_id, ticket_id) where state = 'OPEN';
