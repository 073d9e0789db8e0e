-- What was said, written and recorded: projections of the event log.

-- Which row of the bank an interview means by a question's name: the stated version, or the newest there was when the
-- interview was made.
create function question_of(session uuid, question_key text, question_version integer) returns uuid
language sql stable as $$
    select question.id
    from questions question
    join interview_sessions interview on interview.category_id = question.category_id
    where interview.id = session and question.key = question_key
      and (question.interview_id is null or question.interview_id = session)
      and (question.version = question_version
           or (question_version is null and question.created_at <= interview.created_at))
    order by question.version desc
    limit 1
$$;

create table transcripts (
    id uuid primary key,
    session_id uuid not null references interview_sessions on delete cascade,
    role text not null check (role in ('interviewer', 'candidate', 'observer')),
    -- What was heard.
    content text not null,
    -- What the interviewer meant to say.
    planned_content text,
    interrupted boolean not null default false,
    question_key text,
    question_id uuid references questions on delete set null,
    line_kind text check (line_kind in ('greeting', 'disclosure', 'acknowledgement', 'question', 'probe', 'repeat',
        'nudge', 'instruction', 'closing')),
    -- The candidate's turn that it belongs to or answers.
    turn bigint,
    -- Both on the session's sample clock.
    start_ms bigint not null,
    end_ms bigint not null,
    -- Interviewer: the candidate's speech end to the first sample sent. Candidate: speech end to the final transcript.
    latency_ms bigint,
    stages jsonb not null default '{}',
    stt_confidence real,
    provider text,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp()
);
create index transcripts_session on transcripts (session_id, start_ms);
create trigger transcripts_touch before update on transcripts for each row execute function touch_updated_at();

create table technical_artifacts (
    id uuid primary key,
    session_id uuid not null references interview_sessions on delete cascade,
    question_key text not null,
    question_id uuid references questions on delete set null,
    language text not null,
    code_content text not null,
    version integer not null check (version >= 1),
    submitted boolean not null default false,
    at_ms bigint not null,
    ai_analysis jsonb,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    unique (session_id, question_key, version)
);
create trigger technical_artifacts_touch before update on technical_artifacts for each row execute function touch_updated_at();

create table recordings (
    id uuid primary key,
    session_id uuid not null references interview_sessions on delete cascade,
    file text not null,
    -- Where on the session's sample clock the file's first sample is.
    start_ms bigint not null default 0,
    seconds double precision not null default 0,
    bytes bigint not null default 0,
    sample_rate_hz integer not null,
    channels smallint not null,
    state text not null check (state in ('open', 'complete', 'cut', 'deleted')),
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    unique (session_id, file)
);
create trigger recordings_touch before update on recordings for each row execute function touch_updated_at();
