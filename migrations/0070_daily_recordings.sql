-- Recordings in Daily's cloud, as its webhook told of them: they lie at Daily, and are fetched and deleted there.

create table daily_recordings (
    -- Daily's own.
    id text primary key check (length(id) between 1 and 100),
    session_id uuid not null references interview_sessions on delete cascade,
    seconds double precision not null,
    created_at timestamptz not null default clock_timestamp()
);
create index daily_recordings_session on daily_recordings (session_id);

-- However a row goes (its interview is erased, its time is over), what lies at Daily goes too.
create function forget_daily_recording() returns trigger language plpgsql as $$
begin
    perform queue_job('remove_daily_recording', jsonb_build_object('recording', old.id), 'daily_recording:' || old.id);
    return null;
end
$$;

create trigger daily_recordings_forget after delete on daily_recordings
    for each row execute function forget_daily_recording();
