-- What was deleted when its time was over, so that the job that does it looks at an interview once.

alter table interview_sessions
    add column words_deleted_at timestamptz,
    add column report_deleted_at timestamptz;
create index interview_sessions_words_kept on interview_sessions (end_time) where words_deleted_at is null;
create index interview_sessions_report_kept on interview_sessions (end_time) where report_deleted_at is null;
create index recordings_kept on recordings (created_at) where state <> 'deleted';
create index refresh_tokens_expiry on refresh_tokens (expires_at);
create index webhook_deliveries_age on webhook_deliveries (created_at);
