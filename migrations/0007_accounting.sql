-- Who agreed to what, who did what, and what it cost.

create table consents (
    id uuid primary key,
    session_id uuid not null references interview_sessions on delete cascade,
    user_id uuid references users on delete set null,
    -- Version of the disclosure, and SHA-256 (hexadecimal) of the text that was shown.
    version text not null,
    text_hash text not null,
    given_by text not null,
    given_at timestamptz not null default clock_timestamp(),
    withdrawn_at timestamptz,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    unique (session_id, version)
);
create trigger consents_touch before update on consents for each row execute function touch_updated_at();

create table audit_log (
    id uuid primary key,
    at timestamptz not null default clock_timestamp(),
    actor_id uuid references users on delete set null,
    -- Kept when the account goes.
    actor text not null,
    action text not null,
    subject_kind text not null,
    subject_id text not null,
    detail jsonb not null default '{}',
    created_at timestamptz not null default clock_timestamp()
);
create index audit_log_subject on audit_log (subject_kind, subject_id);
create index audit_log_at on audit_log (at);

create table usage (
    id uuid primary key,
    session_id uuid not null references interview_sessions on delete cascade,
    part text not null check (part in ('stt', 'llm', 'tts', 'vad', 'room')),
    provider text not null,
    seconds double precision not null default 0,
    tokens_in bigint not null default 0,
    tokens_out bigint not null default 0,
    -- Millionths of a US dollar; absent where no price is known.
    cost_micro_usd bigint,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp()
);
create index usage_session on usage (session_id);
create trigger usage_touch before update on usage for each row execute function touch_updated_at();
