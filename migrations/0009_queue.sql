-- The door to the job queue, whose schema `graphile_worker` migrates itself. The body is looked up when it is called, so
-- queries that use it can be checked on a database without the queue.

create function queue_job(task text, payload jsonb, key text) returns void language plpgsql as $$
begin
    perform graphile_worker.add_job(task, payload::json, job_key := key);
end
$$;
