-- Who repairs: what they can, where their day begins, when they work. Skills and shifts are values
-- of one technician, always read whole, so they are documents and not tables of their own.
create table technicians (
    tenant_id text not null,
    id uuid not null,
    code text not null check (length(code) between 1 and 40),
    display_name text not null check (length(display_name) between 1 and 100),
    partner text,
    region text not null check (length(region) between 1 and 40),
    home_lat double precision not null check (home_lat between -90 and 90),
    home_lng double precision not null check (home_lng between -180 and 180),
    time_zone text not null,
    -- [{"skill": "NOTEBOOK_REPAIR", "level": 2, "valid_until": "2027-01-31" or null}]
    skills jsonb not null check (jsonb_typeof(skills) = 'array'),
    -- [{"weekday": 1, "start": 540, "end": 1080}]: minutes since civil midnight, 1440 is 24:00
    shifts jsonb not null check (jsonb_typeof(shifts) = 'array'),
    inactive boolean not null default false,
    -- Rises with every change of what may be booked; a booking states the diary it was decided on.
    diary bigint not null default 1,
    version bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (tenant_id, id),
    constraint technicians_code unique (tenant_id, code)
) with (fillfactor = 70);

create index technicians_region on technicians (tenant_id, region, code);
create index technicians_skills on technicians using gin (skills jsonb_path_ops);
