-- By what name and address a candidate was known is kept as long as the report, which is what it was for. Interviews whose
-- report was deleted before this was so are brought to the same.

delete from invitations using interview_sessions interview
where interview.id = invitations.session_id and interview.report_deleted_at is not null;
update interview_sessions set candidate_name = null where report_deleted_at is not null and candidate_name is not null;
