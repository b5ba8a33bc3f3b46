-- What the customer said: at most one answer per survey, by the key.
create table answers (
    tenant_id text not null,
    survey_id uuid not null,
    score smallint not null,
    comment text not null check (length(comment) <= 2000),
    -- The threshold the score was at or below when it was given; null: not low.
    low_threshold smallint check (score <= low_threshold),
    answered_at timestamptz not null,
    recorded_at timestamptz not null,
    constraint answers_once primary key (tenant_id, survey_id),
    constraint answers_survey foreign key (tenant_id, survey_id)
        references surveys (tenant_id, survey_id)
);
