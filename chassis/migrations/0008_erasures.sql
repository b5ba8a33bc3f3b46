-- Whom or what this service has to erase: "parties/{uuid}", "tickets/{uuid}". Each is looked at when
-- it is heard and once more, later than any request that ran meanwhile may end.
create table erasures (
    tenant_id text not null,
    subject text not null check (length(subject) between 1 and 300),
    recorded_at timestamptz not null,
    looks smallint not null default 0,
    -- When to look next; null: it is done.
    look_at timestamptz,
    primary key (tenant_id, subject)
);

create index erasures_look_at on erasures (look_at) where look_at is not null;

comment on column request_keys.answer is
    'Encoded answer; null within the transaction that makes it, and once it is erased.';

do $$
begin
    if to_regrole(quote_ident('fettle_' || current_schema() || '_worker')) is not null then
        perform grant_worker('select, update', 'erasures');
        perform grant_worker('update (answer, body_hash)', 'request_keys');
    end if;
end $$;
