-- What may be asked. A version of a question never changes once it is stored: reports refer to it.

create table interview_categories (
    id uuid primary key,
    name text not null,
    slug text not null check (slug ~ '^[a-z0-9][a-z0-9_-]*$'),
    description text not null default '',
    system_prompt text not null default '',
    -- BCP 47 primary tag.
    language text not null check (language ~ '^[a-z]{2,3}$'),
    job_positions text[] not null default '{}',
    -- [{slug, name, weight}]
    competencies jsonb not null default '[]',
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    unique (slug, language)
);
create trigger interview_categories_touch before update on interview_categories for each row execute function touch_updated_at();

create table questions (
    id uuid primary key,
    category_id uuid not null references interview_categories on delete cascade,
    -- Only of a question that a model generated for one interview; the reference is added with that table.
    interview_id uuid,
    -- Stable name, the same in every version.
    key text not null,
    version integer not null check (version >= 1),
    -- Asked from now on. An older or withdrawn version stays, for the interviews that asked it.
    is_current boolean not null default true,
    position integer not null default 0,
    -- Key of the same question in another language.
    twin text,
    competency text not null,
    level text not null check (level in ('junior', 'middle', 'senior')),
    difficulty smallint not null check (difficulty between 1 and 5),
    kind text not null check (kind in ('factual', 'explain', 'design', 'behavioural', 'code')),
    time_box_s integer not null check (time_box_s > 0),
    is_anchor boolean not null default false,
    question_text text not null,
    rephrased text not null default '',
    expected_answer text not null,
    code jsonb,
    key_points jsonb not null default '[]',
    misconceptions jsonb not null default '[]',
    probes jsonb not null default '[]',
    anchors jsonb not null default '{}',
    -- SHA-256 of everything that is asked and scored by; tells whether a bank file states something new.
    content_hash text not null,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    unique (category_id, key, version)
);
create unique index questions_current on questions (category_id, key) where is_current;
create index questions_interview on questions (interview_id) where interview_id is not null;
create trigger questions_touch before update on questions for each row execute function touch_updated_at();
