-- What webhooks are told is noted by the database itself, in the transaction that makes it true: whichever way an interview
-- begins or ends, its receivers hear of it, and never of something that was rolled back.

-- A UUIDv7, for rows that the database makes: they sort by creation like those that the program makes.
create function uuid_by_time() returns uuid language sql volatile as $$
    select (lpad(to_hex((extract(epoch from clock_timestamp()) * 1000)::bigint), 12, '0')
        || '7' || substr(replace(gen_random_uuid()::text, '-', ''), 14))::uuid
$$;

-- Notes an event about an interview for every webhook that wants it, and queues the deliveries.
create function tell_webhooks(happened text, interview interview_sessions) returns void language plpgsql as $$
declare
    receiver uuid;
    delivery uuid;
begin
    for receiver in select id from webhooks where active and happened = any (events) loop
        delivery := uuid_by_time();
        insert into webhook_deliveries (id, webhook_id, session_id, event, payload)
        values (delivery, receiver, interview.id, happened, jsonb_build_object(
            'id', delivery,
            'event', happened,
            'at', clock_timestamp(),
            'interview', jsonb_build_object(
                'id', interview.id,
                'status', interview.status,
                'category', interview.category_slug,
                'level', interview.experience_level,
                'language', interview.language,
                'mode', interview.mode,
                'purpose', interview.purpose,
                'start_time', interview.start_time,
                'end_time', interview.end_time,
                'end_reason', interview.end_reason,
                'report_state', interview.report_state)));
        perform queue_job('webhook', jsonb_build_object('delivery', delivery), 'webhook:' || delivery);
    end loop;
end
$$;

create function tell_of_interview() returns trigger language plpgsql as $$
begin
    if old.start_time is null and new.start_time is not null then
        perform tell_webhooks('interview.started', new);
    end if;
    if old.end_time is null and new.end_time is not null then
        perform tell_webhooks('interview.ended', new);
    end if;
    if old.report_state <> 'ready' and new.report_state = 'ready' then
        perform tell_webhooks('report.ready', new);
    end if;
    return null;
end
$$;

create trigger interview_sessions_tell after update of start_time, end_time, report_state on interview_sessions
    for each row execute function tell_of_interview();
