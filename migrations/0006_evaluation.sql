-- Answers as they were scored, the report, what people changed, and what is to be learnt again.

create table question_responses (
    id uuid primary key,
    session_id uuid not null references interview_sessions on delete cascade,
    question_key text not null,
    question_version integer not null,
    question_id uuid references questions on delete set null,
    position integer not null,
    answer text not null,
    start_ms bigint,
    end_ms bigint,
    outcome text check (outcome in ('answered', 'skipped', 'not_answered', 'cut_short')),
    score double precision check (score between 0 and 100),
    level smallint check (level between 1 and 5),
    comment text,
    -- Each with its state and the quotes that show it.
    key_points jsonb not null default '[]',
    detail jsonb not null default '{}',
    state text not null check (state in ('pending', 'scored', 'not_assessed', 'failed')),
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    unique (session_id, question_key)
);
create trigger question_responses_touch before update on question_responses for each row execute function touch_updated_at();

create table evaluation_reports (
    id uuid primary key,
    session_id uuid not null unique references interview_sessions on delete cascade,
    overall_score double precision check (overall_score between 0 and 100),
    technical_score double precision check (technical_score between 0 and 100),
    soft_skill_score double precision check (soft_skill_score between 0 and 100),
    -- Why a score is absent or doubtful, by the score's name.
    score_notes jsonb not null default '{}',
    ai_feedback text not null,
    recommendation text not null check (recommendation in ('strong_yes', 'yes', 'inconclusive', 'no', 'strong_no')),
    document jsonb not null,
    rubric_hash text not null,
    prompts_hash text not null,
    bank_hash text not null,
    model text not null,
    made_at timestamptz not null,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp()
);
create trigger evaluation_reports_touch before update on evaluation_reports for each row execute function touch_updated_at();

-- What a person changed in a score. The score that was given before stays beside it.
create table overrides (
    id uuid primary key,
    session_id uuid not null references interview_sessions on delete cascade,
    -- Absent when it is about the whole report.
    question_key text,
    -- Who; kept when the account goes.
    user_id uuid references users on delete set null,
    by_name text not null,
    -- What: the field, before and after.
    field text not null,
    old_value jsonb,
    new_value jsonb not null,
    -- Why.
    reason text not null check (char_length(reason) >= 1),
    created_at timestamptz not null default clock_timestamp()
);
create index overrides_session on overrides (session_id);

-- When a person had better go over a topic again.
create table review_schedule (
    id uuid primary key,
    user_id uuid not null references users on delete cascade,
    question_key text not null,
    language text not null,
    last_session_id uuid references interview_sessions on delete set null,
    last_level smallint check (last_level between 1 and 5),
    repetitions integer not null default 0 check (repetitions >= 0),
    interval_days real not null default 1 check (interval_days > 0),
    ease real not null default 2.5 check (ease > 0),
    due_at timestamptz not null,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    unique (user_id, question_key, language)
);
create index review_schedule_due on review_schedule (user_id, due_at);
create trigger review_schedule_touch before update on review_schedule for each row execute function touch_updated_at();
