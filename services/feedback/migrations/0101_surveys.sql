-- One question after each closure of a ticket. The row keeps whom the answer counts for as it
-- was at closure, so that scorecards need nobody else.
create table surveys (
    tenant_id text not null check (length(tenant_id) between 1 and 64),
    survey_id uuid not null,
    ticket_id uuid not null,
    round integer not null check (round >= 0),
    number text not null check (length(number) <= 100),
    region text not null check (length(region) <= 100),
    product text not null check (length(product) <= 200),
    technician_id uuid,
    assignee text not null check (length(assignee) <= 512),
    kind smallint not null check (kind between 1 and 3),
    version bigint not null check (version >= 1),
    -- When the ticket was closed in the world, and when this row was made.
    closed_at timestamptz not null,
    created_at timestamptz not null,
    -- System time: a replay of a past period must not make surveys that are too old at birth.
    expires_at timestamptz not null,
    -- SHA-256 of the link's token; null until a link was issued.
    token_hash bytea check (length(token_hash) = 32),
    -- The answer's score, repeated here so that scorecards read one index.
    score smallint,
    primary key (tenant_id, survey_id),
    constraint surveys_once_per_round unique (tenant_id, ticket_id, round),
    constraint surveys_token unique (tenant_id, token_hash),
    constraint surveys_expiry check (expires_at > created_at),
    constraint surveys_score check (
        case kind
            when 1 then score between 1 and 5
            when 2 then score between 0 and 10
            when 3 then score between 1 and 7
        end)
);

-- Lists: newest first.
create index surveys_newest on surveys (tenant_id, created_at desc, survey_id desc);
