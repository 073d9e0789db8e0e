-- A Daily room goes when its interview is over or erased, whoever did that: a server that dies, or cannot reach Daily just
-- then, leaves no room behind.

create function forget_daily_room() returns trigger language plpgsql as $$
begin
    perform queue_job('remove_daily_room', jsonb_build_object('session', old.id), 'daily_room:' || old.id);
    return null;
end
$$;

create trigger daily_room_of_ended after update of end_time on interview_sessions
    for each row when (old.daily_room_url is not null and old.end_time is null and new.end_time is not null)
    execute function forget_daily_room();

create trigger daily_room_of_erased after delete on interview_sessions
    for each row when (old.daily_room_url is not null and old.end_time is null)
    execute function forget_daily_room();

-- Interviews in Daily rooms that have been erased of late: Daily may have a recording ready only after that. Of a domain
-- that several servers share, each hears of all rooms, and must not delete another's recordings.
create table erased_daily_rooms (
    session_id uuid primary key,
    erased_at timestamptz not null default clock_timestamp()
);

create function remember_erased_daily_room() returns trigger language plpgsql as $$
begin
    delete from erased_daily_rooms where erased_at < clock_timestamp() - interval '30 days';
    insert into erased_daily_rooms (session_id) values (old.id) on conflict do nothing;
    return null;
end
$$;

create trigger daily_room_erased after delete on interview_sessions
    for each row when (old.daily_room_url is not null) execute function remember_erased_daily_room();

-- Queues the deletion of a recording whose interview was erased before; false if that was none of ours.
create function forget_late_daily_recording(session uuid, recording text) returns boolean language plpgsql as $$
begin
    if not exists (select from erased_daily_rooms where session_id = session) then
        return false;
    end if;
    perform queue_job('remove_daily_recording', jsonb_build_object('recording', recording),
        'daily_recording:' || recording);
    return true;
end
$$;
