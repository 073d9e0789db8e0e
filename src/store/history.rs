//! What somebody's interviews left, read together: answers with their feedback, scores over time. Must never read one
//! interview at a time.

use super::{ResponseState, Store, StoreError, limited};
use crate::id::{SessionId, UserId};
use crate::interview::QuestionOutcome;
use crate::interview::question::Level;
use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

/// Whose interviews.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Whose {
    Person(UserId),
    /// Practice at the server's own machine, which belongs to no account.
    Nobody,
}

impl Whose {
    fn user(self) -> Option<Uuid> {
        match self {
            Self::Person(user) => Some(user.0),
            Self::Nobody => None,
        }
    }
}

/// An answer with its interview, and what the bank says of the question in the version that was asked.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryRow {
    pub id: Uuid,
    pub session_id: SessionId,
    pub title: String,
    pub category_slug: String,
    pub language: String,
    pub experience_level: Level,
    /// When the interview ended.
    pub at: DateTime<Utc>,
    pub question_key: String,
    pub question_version: i32,
    /// Its words; none where the bank no longer knows it.
    pub question_text: Option<String>,
    pub expected_answer: Option<String>,
    pub competency: Option<String>,
    pub competency_name: Option<String>,
    pub answer: String,
    pub outcome: Option<QuestionOutcome>,
    pub level: Option<i16>,
    pub score: Option<f64>,
    pub comment: Option<String>,
    pub key_points: Value,
    pub state: ResponseState,
}

/// An interview with its score.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreRow {
    pub id: SessionId,
    pub title: String,
    pub category_slug: String,
    pub experience_level: Level,
    pub at: DateTime<Utc>,
    /// 0 to 100.
    pub overall_score: Option<f64>,
    /// 1 to 5.
    pub low: Option<f64>,
    pub high: Option<f64>,
}

impl Store {
    /// Answers in interviews that have their report, the newest interview first, in the order of each; `before` is the last
    /// id of the page before.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn history(
        &self,
        whose: Whose,
        category: Option<&str>,
        limit: u32,
        before: Option<Uuid>,
    ) -> Result<Vec<HistoryRow>, StoreError> {
        let rows = sqlx::query_as!(
            HistoryRow,
            r#"select r.id, s.id as "session_id: SessionId", s.title, s.category_slug, s.language,
                s.experience_level as "experience_level: Level", s.end_time as "at!", r.question_key, r.question_version,
                q.question_text as "question_text?", q.expected_answer as "expected_answer?",
                q.competency as "competency?", (select e ->> 'name' from jsonb_array_elements(c.competencies) e
                    where e ->> 'slug' = q.competency limit 1) as competency_name,
                r.answer, r.outcome as "outcome: QuestionOutcome", r.level, r.score, r.comment, r.key_points,
                r.state as "state: ResponseState"
             from interview_sessions s
             join question_responses r on r.session_id = s.id
             left join questions q on q.id = r.question_id
             left join interview_categories c on c.id = q.category_id
             where s.report_state = 'ready' and s.end_time is not null
               and case when $1::uuid is null then s.user_id is null and s.purpose = 'practice' else s.user_id = $1 end
               and ($2::text is null or s.category_slug = $2)
               and ($4::uuid is null or (s.id, -r.position, r.question_key) <
                    (select b.session_id, -b.position, b.question_key from question_responses b where b.id = $4))
             order by s.id desc, r.position, r.question_key desc limit $3"#,
            whose.user(),
            category,
            i64::from(limit),
            before,
        );
        limited(async { Ok(rows.fetch_all(&self.pool).await?) }).await
    }

    /// Every answer of the newest `interviews` interviews that have their report, the oldest first, without the words that
    /// were said.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn past_answers(&self, whose: Whose, interviews: u32) -> Result<Vec<HistoryRow>, StoreError> {
        let rows = sqlx::query_as!(
            HistoryRow,
            r#"select r.id, s.id as "session_id: SessionId", s.title, s.category_slug, s.language,
                s.experience_level as "experience_level: Level", s.end_time as "at!", r.question_key, r.question_version,
                q.question_text as "question_text?", null::text as expected_answer,
                q.competency as "competency?", (select e ->> 'name' from jsonb_array_elements(c.competencies) e
                    where e ->> 'slug' = q.competency limit 1) as competency_name,
                '' as "answer!", r.outcome as "outcome: QuestionOutcome", r.level, r.score, null::text as comment,
                r.key_points, r.state as "state: ResponseState"
             from (select * from interview_sessions o
                where o.report_state = 'ready' and o.end_time is not null
                  and case when $1::uuid is null then o.user_id is null and o.purpose = 'practice' else o.user_id = $1 end
                order by o.id desc limit $2) s
             join question_responses r on r.session_id = s.id
             left join questions q on q.id = r.question_id
             left join interview_categories c on c.id = q.category_id
             order by s.end_time, s.id, r.position"#,
            whose.user(),
            i64::from(interviews),
        );
        limited(async { Ok(rows.fetch_all(&self.pool).await?) }).await
    }

    /// The newest `interviews` interviews that have their report, the oldest first, with their scores.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn past_scores(&self, whose: Whose, interviews: u32) -> Result<Vec<ScoreRow>, StoreError> {
        let rows = sqlx::query_as!(
            ScoreRow,
            r#"select s.id as "id: SessionId", s.title, s.category_slug, s.experience_level as "experience_level: Level",
                s.end_time as "at!", e.overall_score,
                (e.document #>> '{summary,overall,interval90,0}')::double precision as low,
                (e.document #>> '{summary,overall,interval90,1}')::double precision as high
             from (select * from interview_sessions o
                where o.report_state = 'ready' and o.end_time is not null
                  and case when $1::uuid is null then o.user_id is null and o.purpose = 'practice' else o.user_id = $1 end
                order by o.id desc limit $2) s
             join evaluation_reports e on e.session_id = s.id
             order by s.end_time, s.id"#,
            whose.user(),
            i64::from(interviews),
        );
        limited(async { Ok(rows.fetch_all(&self.pool).await?) }).await
    }
}
