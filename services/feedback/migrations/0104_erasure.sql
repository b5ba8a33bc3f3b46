-- A survey whose customer was erased keeps its score, and neither the comment nor a link.
alter table surveys add column erased_at timestamptz;
alter table surveys add constraint surveys_erased_check
    check (erased_at is null or token_hash is null);
