-- What was read from a CV waits beside the profile until the person has looked at it.

alter table interview_profiles
    -- {job_position, experience_level, tech_stack, resume, provenance, source_file, source_hash}
    add column draft jsonb,
    -- When the person last said that this is right; absent while there is only a draft.
    add column confirmed_at timestamptz;
