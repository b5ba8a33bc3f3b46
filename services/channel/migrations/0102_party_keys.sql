-- What makes a party readable and findable, and nothing else: deleting this row erases the person,
-- because what stays elsewhere is cipher text without a key.
create table party_keys (
    tenant_id text not null,
    party_id uuid not null,
    -- Which master key wraps this one.
    master_key_id bytea not null check (length(master_key_id) = 8),
    -- The party's data key, sealed under the tenant's key.
    wrapped bytea not null check (length(wrapped) = 61),
    -- Blind indexes: keyed hashes of the lower-cased mail address and of the E.164 number.
    mail_index bytea check (length(mail_index) = 32),
    phone_index bytea check (length(phone_index) = 32),
    created_at timestamptz not null,
    primary key (tenant_id, party_id),
    foreign key (tenant_id, party_id) references parties (tenant_id, party_id) on delete cascade,
    -- A party without a contact cannot be reached.
    constraint party_keys_contact check (mail_index is not null or phone_index is not null)
);

-- A family may share a mail address or a telephone: not unique.
create index party_keys_mail on party_keys (tenant_id, mail_index, party_id)
    where mail_index is not null;
create index party_keys_phone on party_keys (tenant_id, phone_index, party_id)
    where phone_index is not null;
