-- The event log, the truth about an interview: append-only, numbered without a gap within an interview, each event under
-- the epoch of the lease that wrote it.

create table session_events (
    session_id uuid not null references interview_sessions on delete cascade,
    seq bigint not null check (seq >= 1),
    epoch bigint not null,
    at timestamptz not null,
    kind text not null check (char_length(kind) between 1 and 100),
    payload jsonb not null default '{}',
    created_at timestamptz not null default clock_timestamp(),
    primary key (session_id, seq)
);

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'rows of % are never changed', tg_table_name using errcode = 'integrity_constraint_violation';
end
$$;

create trigger session_events_append_only before update on session_events for each row execute function refuse_change();
