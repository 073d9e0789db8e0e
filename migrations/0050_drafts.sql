-- Questions that a model drafted for one interview wait for a person: once accepted they are of the bank (interview_id is
-- then null, so that they outlive that interview), and no bank file withdraws them.
alter table questions add column review text check (review in ('proposed', 'accepted', 'rejected'));
create index questions_proposed on questions (id) where review = 'proposed';
