//! Figures over many interviews: how they ended, how they were scored, how fast we answered, how hard the questions proved.
//! Must never name a person.

use super::{Store, StoreError, limited};
use crate::interview::question::Level;
use chrono::{DateTime, NaiveDate, Utc};

/// Which interviews are counted.
#[derive(Clone, Debug, PartialEq)]
pub struct Period {
    /// Made at this time or later.
    pub from: DateTime<Utc>,
    /// Made before this time.
    pub to: DateTime<Utc>,
    /// Slug.
    pub category: Option<String>,
}

/// The figures of a period.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statistics {
    pub made: i64,
    pub live: i64,
    pub began: i64,
    /// Of those that began.
    pub completed: i64,
    pub abandoned: i64,
    /// Ended by a fault of ours.
    pub failed: i64,
    pub mean_minutes: Option<f64>,
    pub reports: i64,
    pub reports_failed: i64,
    /// Reports by overall score: tenths of the scale of 0 to 100, the lowest first.
    pub scores: [i64; 10],
    /// From the candidate's speech end to the first sample of the reply, ms: how many, then p50, p90, p95 and p99.
    pub replies: i64,
    pub latency_ms: Option<[f64; 4]>,
    pub days: Vec<Day>,
}

/// The interviews that were made on one day (UTC).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    pub day: NaiveDate,
    pub made: i64,
    pub completed: i64,
}

/// How a question proved over all its scored answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Difficulty {
    pub category_slug: String,
    pub language: String,
    pub key: String,
    pub experience_level: Level,
    /// As the bank states it, 1 to 5; none where the bank no longer asks it.
    pub stated: Option<i16>,
    pub asked: i64,
    pub scored: i64,
    pub skipped: i64,
    /// 1 to 5.
    pub mean_level: Option<f64>,
    /// 0 to 100.
    pub mean_score: Option<f64>,
    pub score_deviation: Option<f64>,
}

impl Store {
    /// The figures of a period.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn statistics(&self, period: &Period) -> Result<Statistics, StoreError> {
        limited(async {
            let counts = sqlx::query!(
                r#"select count(*) as "made!", count(*) filter (where status in ('active', 'paused')) as "live!",
                    count(start_time) as "began!",
                    count(*) filter (where start_time is not null and status = 'completed') as "completed!",
                    count(*) filter (where start_time is not null and status = 'abandoned') as "abandoned!",
                    count(*) filter (where status = 'failed') as "failed!",
                    (avg(extract(epoch from end_time - start_time)) / 60)::double precision as mean_minutes,
                    count(*) filter (where report_state = 'ready') as "reports!",
                    count(*) filter (where report_state = 'failed') as "reports_failed!"
                 from interview_sessions
                 where created_at >= $1 and created_at < $2 and ($3::text is null or category_slug = $3)"#,
                period.from,
                period.to,
                period.category,
            )
            .fetch_one(&self.pool)
            .await?;
            let latency = sqlx::query!(
                r#"select count(*) as "replies!",
                    percentile_cont(array[0.5, 0.9, 0.95, 0.99]) within group (order by t.latency_ms) as percentiles
                 from interview_sessions s join transcripts t on t.session_id = s.id
                 where s.created_at >= $1 and s.created_at < $2 and ($3::text is null or s.category_slug = $3)
                   and t.role = 'interviewer' and t.latency_ms is not null"#,
                period.from,
                period.to,
                period.category,
            )
            .fetch_one(&self.pool)
            .await?;
            Ok(Statistics {
                made: counts.made,
                live: counts.live,
                began: counts.began,
                completed: counts.completed,
                abandoned: counts.abandoned,
                failed: counts.failed,
                mean_minutes: counts.mean_minutes,
                reports: counts.reports,
                reports_failed: counts.reports_failed,
                scores: self.score_distribution(period).await?,
                replies: latency.replies,
                latency_ms: latency.percentiles.and_then(|all| <[f64; 4]>::try_from(all).ok()),
                days: self.days(period).await?,
            })
        })
        .await
    }

    async fn score_distribution(&self, period: &Period) -> Result<[i64; 10], StoreError> {
        let rows = sqlx::query!(
            r#"select least(floor(e.overall_score / 10)::integer, 9) as "tenth!", count(*) as "count!"
             from interview_sessions s join evaluation_reports e on e.session_id = s.id
             where s.created_at >= $1 and s.created_at < $2 and ($3::text is null or s.category_slug = $3)
               and e.overall_score is not null
             group by 1"#,
            period.from,
            period.to,
            period.category,
        );
        let mut scores = [0; 10];
        for row in rows.fetch_all(&self.pool).await? {
            if let Some(place) = usize::try_from(row.tenth).ok().and_then(|tenth| scores.get_mut(tenth)) {
                *place = row.count;
            }
        }
        Ok(scores)
    }

    async fn days(&self, period: &Period) -> Result<Vec<Day>, StoreError> {
        let rows = sqlx::query_as!(
            Day,
            r#"select (created_at at time zone 'utc')::date as "day!", count(*) as "made!",
                count(*) filter (where status = 'completed') as "completed!"
             from interview_sessions
             where created_at >= $1 and created_at < $2 and ($3::text is null or category_slug = $3)
             group by 1 order by 1"#,
            period.from,
            period.to,
            period.category,
        );
        Ok(rows.fetch_all(&self.pool).await?)
    }

    /// How questions proved, by category, language and key; `after` is the last of the page before.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn difficulties(
        &self,
        period: &Period,
        limit: u32,
        after: Option<[&str; 3]>,
    ) -> Result<Vec<Difficulty>, StoreError> {
        let [slug, language, key] = after.map_or([None; 3], |after| after.map(Some));
        let rows = sqlx::query_as!(
            Difficulty,
            r#"select f.category_slug, f.language, f.question_key as key, f.experience_level as "experience_level!: Level",
                (select q.difficulty from questions q join interview_categories c on c.id = q.category_id
                 where c.slug = f.category_slug and c.language = f.language and q.key = f.question_key and q.is_current)
                    as stated,
                f.asked as "asked!", f.scored as "scored!", f.skipped as "skipped!", f.mean_level, f.mean_score,
                f.score_deviation
             from (select s.category_slug, s.language, r.question_key, min(s.experience_level) as experience_level,
                    count(*) as asked, count(*) filter (where r.state = 'scored') as scored,
                    count(*) filter (where r.outcome = 'skipped') as skipped,
                    avg(r.level)::double precision as mean_level,
                    avg(r.score) filter (where r.state = 'scored') as mean_score,
                    stddev_samp(r.score) filter (where r.state = 'scored') as score_deviation
                 from interview_sessions s join question_responses r on r.session_id = s.id
                 where s.created_at >= $1 and s.created_at < $2 and ($3::text is null or s.category_slug = $3)
                   and r.outcome is not null
                   and ($5::text is null or (s.category_slug, s.language, r.question_key) > ($5, $6, $7))
                 group by s.category_slug, s.language, r.question_key
                 order by s.category_slug, s.language, r.question_key limit $4) f
             order by f.category_slug, f.language, f.question_key"#,
            period.from,
            period.to,
            period.category,
            i64::from(limit),
            slug,
            language,
            key,
        );
        limited(async { Ok(rows.fetch_all(&self.pool).await?) }).await
    }
}
