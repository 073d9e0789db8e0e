-- What people change in the bank stands before the files': a question or category that somebody edited or withdrew is
-- not touched when the shipped files are stored again.

alter table interview_categories
    add column edited_at timestamptz,
    -- No longer offered; kept for the interviews that asked its questions.
    add column withdrawn_at timestamptz;

alter table questions
    -- When a person made this version, put it in force or withdrew it.
    add column edited_at timestamptz,
    add column edited_by uuid references users on delete set null;

-- Lists of the bank are paged by key and id.
create index questions_in_force on questions (key, id) where is_current and interview_id is null;
