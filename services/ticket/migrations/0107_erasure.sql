-- A ticket whose customer was erased says nothing of them; no statement puts words back.
alter table tickets add column erased_at timestamptz;
alter table tickets drop constraint tickets_title_check;
alter table tickets add constraint tickets_title_check
    check (length(title) <= 200 and (title <> '' or erased_at is not null));
alter table tickets add constraint tickets_erased_check check (erased_at is null or (
    title = '' and description = '' and resolution = ''
    and (site is null or (site -> 'lines' = '[]' and site ->> 'postal_code' = ''))));

-- Where there is a text there is its salt. Both go together: by the salt a short text could be found
-- by trying. The hash stays, and the chain over it.
alter table ticket_events drop constraint ticket_events_check;
alter table ticket_events add constraint ticket_events_text_check
    check ((body is null) = (salt is null) and (body is null or text_hash is not null));

create or replace function ticket_events_are_history() returns trigger
language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        raise exception 'an entry of the timeline is never deleted';
    end if;
    if new.body is not null
        or (to_jsonb(new) - 'body' - 'salt') is distinct from (to_jsonb(old) - 'body' - 'salt') then
        raise exception 'an entry of the timeline is never rewritten';
    end if;
    return new;
end $$;
