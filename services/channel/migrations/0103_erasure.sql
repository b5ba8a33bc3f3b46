-- When a person was erased: their key is gone then, and nothing opens what is left.
alter table parties add column erased_at timestamptz;
