-- Interviews, the nodes that run them, and invitations to them.

create table nodes (
    id uuid primary key,
    public_url text not null,
    version text not null default '',
    capacity integer not null check (capacity >= 0),
    load integer not null default 0 check (load >= 0),
    draining boolean not null default false,
    heartbeat_at timestamptz not null default clock_timestamp(),
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp()
);
create index nodes_heartbeat on nodes (heartbeat_at);
create trigger nodes_touch before update on nodes for each row execute function touch_updated_at();

create table interview_sessions (
    id uuid primary key,
    user_id uuid references users on delete set null,
    category_id uuid references interview_categories on delete set null,
    category_slug text not null,
    title text not null check (char_length(title) <= 200),
    -- As the candidate wants to be called; never reaches the scorer.
    candidate_name text check (char_length(candidate_name) <= 200),
    job_position text not null default '' check (char_length(job_position) <= 200),
    experience_level text not null check (experience_level in ('junior', 'middle', 'senior')),
    tech_stack text[] not null default '{}',
    language text not null check (language ~ '^[a-z]{2,3}$'),
    mode text not null check (mode in ('voice', 'text')),
    purpose text not null check (purpose in ('practice', 'official')),
    room text not null check (room in ('webrtc', 'daily', 'websocket', 'text')),
    daily_room_url text,
    status text not null check (status in
        ('scheduled', 'waiting', 'active', 'paused', 'completed', 'abandoned', 'failed', 'cancelled')),
    scheduled_at timestamptz,
    -- An interview that has not begun by then is abandoned.
    expires_at timestamptz,
    start_time timestamptz,
    end_time timestamptz,
    end_reason text check (end_reason in
        ('completed', 'candidate_ended', 'time_up', 'idle', 'left', 'cancelled', 'shutdown', 'failed')),
    plan jsonb not null default '{}',
    accommodations jsonb not null default '{}',
    -- The lease: which node may write, under which epoch, until when by this database's clock. No reference to nodes:
    -- a lease outlives the row of a node that died.
    owner uuid,
    epoch bigint not null default 0,
    lease_until timestamptz,
    -- What the next event is numbered: the log has no gap.
    next_seq bigint not null default 1 check (next_seq >= 1),
    report_state text not null default 'none' check (report_state in ('none', 'queued', 'ready', 'failed')),
    -- Counted here because the queue's own count does not rise when a job kills its process.
    report_attempts integer not null default 0,
    report_error text,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    check ((owner is null) = (lease_until is null)),
    check ((end_time is null) = (status in ('scheduled', 'waiting', 'active', 'paused')))
);
create index interview_sessions_user on interview_sessions (user_id, id);
create index interview_sessions_owner on interview_sessions (owner) where owner is not null;
create index interview_sessions_open on interview_sessions (lease_until) where status in ('waiting', 'active', 'paused');
create index interview_sessions_expiry on interview_sessions (expires_at) where status in ('scheduled', 'waiting');
create trigger interview_sessions_touch before update on interview_sessions for each row execute function touch_updated_at();

alter table questions add foreign key (interview_id) references interview_sessions on delete cascade;

create table invitations (
    id uuid primary key,
    session_id uuid references interview_sessions on delete cascade,
    email text not null,
    role text not null check (role in ('candidate', 'interviewer', 'admin')),
    -- SHA-256 of the token in the invitation's link.
    token_hash bytea not null unique check (octet_length(token_hash) = 32),
    invited_by uuid references users on delete set null,
    expires_at timestamptz not null,
    accepted_at timestamptz,
    accepted_by uuid references users on delete set null,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp()
);
create index invitations_session on invitations (session_id);
create trigger invitations_touch before update on invitations for each row execute function touch_updated_at();
