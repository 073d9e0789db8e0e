//! Made-up interviews in great number, for measuring. Must never touch a row that is not its own.

use super::{Store, StoreError};
use crate::id::UserId;

/// How many interviews to make, and how much of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed {
    pub interviews: u32,
    /// Lines of transcript each.
    pub lines: u32,
    /// Scored answers each.
    pub answers: u32,
}

/// Interviews of one statement: as many as fit well within the limit on a statement's time.
const BATCH: u32 = 100;

impl Store {
    /// Makes finished interviews of `users`, in turn; tells after each batch how many there are.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when a user is gone.
    pub async fn seed(&self, seed: &Seed, users: &[UserId], mut tell: impl FnMut(u32)) -> Result<(), StoreError> {
        let users: Vec<uuid::Uuid> = users.iter().map(|id| id.0).collect();
        let number = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
        let mut made = 0;
        while made < seed.interviews {
            let until = seed.interviews.min(made + BATCH);
            sqlx::query!(
                "with made as (
                    insert into interview_sessions (id, user_id, category_slug, title, job_position, experience_level,
                        tech_stack, language, mode, purpose, room, status, start_time, end_time, end_reason, report_state)
                    select uuid_by_time(), ($1::uuid[])[1 + n % cardinality($1::uuid[])], 'backend', 'Seeded interview ' || n,
                        'Back-end engineer', (array['junior', 'middle', 'senior'])[1 + n % 3], '{rust,postgres}', 'en',
                        'voice', 'practice', 'webrtc', 'completed', clock_timestamp() - interval '30 minutes',
                        clock_timestamp(), 'completed', 'ready'
                    from generate_series($2::integer, $3::integer) n
                    returning id),
                 lines as (
                    insert into transcripts (id, session_id, role, content, start_ms, end_ms, latency_ms, turn)
                    select uuid_by_time(), made.id, case when line % 2 = 1 then 'interviewer' else 'candidate' end,
                        'Line ' || line || ' says ' || repeat('some words of an answer ', 1 + line % 8),
                        line * 20000, line * 20000 + 15000, 500 + line, line / 2
                    from made, generate_series(1, $4::integer) line),
                 answers as (
                    insert into question_responses (id, session_id, question_key, question_version, position, answer,
                        outcome, score, level, comment, state)
                    select uuid_by_time(), made.id, 'seed.' || place, 1, place, repeat('an answer in words ', 20), 'answered',
                        50 + place, 3, 'Names the point, gives no example.', 'scored'
                    from made, generate_series(1, $5::integer) place),
                 log as (
                    insert into session_events (session_id, seq, epoch, at, kind, payload)
                    select made.id, line, 1, clock_timestamp(), 'heard', jsonb_build_object('at_ms', line * 20000)
                    from made, generate_series(1, $4::integer) line)
                 insert into evaluation_reports (id, session_id, overall_score, technical_score, ai_feedback, recommendation,
                    document, rubric_hash, prompts_hash, bank_hash, model, made_at)
                 select uuid_by_time(), made.id, 60, 60, 'Seeded.', 'inconclusive',
                    jsonb_build_object('questions', (select jsonb_agg(jsonb_build_object('id', 'seed.' || place, 'quote',
                        repeat('quoted words ', 20))) from generate_series(1, $5::integer) place)),
                    'seed', 'seed', 'seed', 'none', clock_timestamp()
                 from made",
                &users,
                number(made + 1),
                number(until),
                number(seed.lines),
                number(seed.answers),
            )
            .execute(&self.pool)
            .await?;
            made = until;
            tell(made);
        }
        Ok(())
    }
}
