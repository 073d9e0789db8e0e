//! One person's data as a whole: handed out, and erased. Must never leave behind a file whose row is gone: files are
//! removed by a job that is queued in the same transaction.

use super::clean::clean_text;
use super::{Store, StoreError, limited};
use crate::id::{SessionId, UserId};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

/// What the job that removes files is called in the queue.
pub const FILES_JOB: &str = "remove_files";

/// What belongs to an e-mail address: its account if it has one, and interviews that it was invited to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Belongings {
    pub user: Option<UserId>,
    pub interviews: Vec<SessionId>,
}

impl Store {
    /// Everything about an account.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn export_user(&self, user: UserId) -> Result<Value, StoreError> {
        let ids = sqlx::query_scalar!("select id from interview_sessions where user_id = $1 order by id", user.0);
        let ids = ids.fetch_all(&self.pool).await?;
        let account = sqlx::query_scalar!(
            r#"select jsonb_build_object(
                'account', to_jsonb(account) - 'password_hash',
                'profile', (select to_jsonb(profile) from interview_profiles profile where profile.user_id = account.id),
                'review_schedule', coalesce((select jsonb_agg(to_jsonb(review) order by review.id)
                    from review_schedule review where review.user_id = account.id), '[]')) as "document!"
             from users account where account.id = $1"#,
            user.0,
        );
        let mut document = account.fetch_one(&self.pool).await?;
        document["interviews"] = self.export_interviews(&ids).await?;
        Ok(document)
    }

    /// Everything about an interview.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn export_interview(&self, id: SessionId) -> Result<Value, StoreError> {
        let mut documents = self.export_interviews(&[id.0]).await?;
        documents.get_mut(0).map(Value::take).ok_or(StoreError::NotFound)
    }

    /// What belongs to an e-mail address, and all of it as one document.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when nothing does.
    pub async fn export_address(&self, email: &str) -> Result<Value, StoreError> {
        let belongings = self.belongings(email).await?;
        let mut document = match belongings.user {
            Some(user) => self.export_user(user).await?,
            None => json!({}),
        };
        let ids: Vec<Uuid> = belongings.interviews.iter().map(|id| id.0).collect();
        document["invited"] = self.export_interviews(&ids).await?;
        Ok(document)
    }

    async fn export_interviews(&self, ids: &[Uuid]) -> Result<Value, StoreError> {
        limited(async {
            let documents = sqlx::query_scalar!(
                r#"select coalesce(jsonb_agg(
                    to_jsonb(interview) - '{owner,epoch,lease_until,next_seq,report_attempts,report_error}'::text[]
                    || jsonb_build_object(
                        'consents', coalesce((select jsonb_agg(to_jsonb(consent) || jsonb_build_object('content',
                                (select content from disclosures where text_hash = consent.text_hash)) order by consent.id)
                            from consents consent where consent.session_id = interview.id), '[]'),
                        'invitations', coalesce((select jsonb_agg(to_jsonb(invited) - 'token_hash' order by invited.id)
                            from invitations invited where invited.session_id = interview.id), '[]'),
                        'transcript', coalesce((select jsonb_agg(to_jsonb(line) order by line.start_ms, line.id)
                            from transcripts line where line.session_id = interview.id), '[]'),
                        'artifacts', coalesce((select jsonb_agg(to_jsonb(code) order by code.question_key, code.version)
                            from technical_artifacts code where code.session_id = interview.id), '[]'),
                        'recordings', coalesce((select jsonb_agg(to_jsonb(sound) - 'file' order by sound.id)
                            from recordings sound where sound.session_id = interview.id), '[]'),
                        'daily_recordings', coalesce((select jsonb_agg(to_jsonb(sound) order by sound.created_at, sound.id)
                            from daily_recordings sound where sound.session_id = interview.id), '[]'),
                        'responses', coalesce((select jsonb_agg(to_jsonb(answer) order by answer.position)
                            from question_responses answer where answer.session_id = interview.id), '[]'),
                        'overrides', coalesce((select jsonb_agg(to_jsonb(changed) order by changed.id)
                            from overrides changed where changed.session_id = interview.id), '[]'),
                        'report', (select to_jsonb(report) from evaluation_reports report
                            where report.session_id = interview.id)) order by interview.id), '[]') as "documents!"
                 from interview_sessions interview where interview.id = any($1)"#,
                ids,
            );
            Ok(documents.fetch_one(&self.pool).await?)
        })
        .await
    }

    /// What belongs to an e-mail address.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when nothing does.
    pub async fn belongings(&self, email: &str) -> Result<Belongings, StoreError> {
        let email = clean_text(email);
        let user = sqlx::query_scalar!(r#"select id as "id: UserId" from users where lower(email) = lower($1)"#, email);
        let user = user.fetch_optional(&self.pool).await?;
        let interviews = sqlx::query_scalar!(
            r#"select distinct session_id as "id!: SessionId" from invitations
             where lower(email) = lower($1) and session_id is not null order by 1"#,
            email,
        );
        let interviews = interviews.fetch_all(&self.pool).await?;
        if user.is_none() && interviews.is_empty() {
            return Err(StoreError::NotFound);
        }
        Ok(Belongings { user, interviews })
    }

    /// Erases an account and all its interviews.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] while one of them is in progress, or when no admin would be left.
    pub async fn erase_user(&self, user: UserId) -> Result<(), StoreError> {
        self.erase(&Belongings { user: Some(user), interviews: Vec::new() }).await
    }

    /// Erases an interview.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Conflict`] while it is in progress.
    pub async fn erase_interview(&self, id: SessionId) -> Result<(), StoreError> {
        self.interview(id).await?;
        self.erase(&Belongings { user: None, interviews: vec![id] }).await
    }

    /// Erases an account, all its interviews, and the others that are named: all or nothing.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] while one of them is in progress, or when no admin would be left.
    pub async fn erase(&self, belongings: &Belongings) -> Result<(), StoreError> {
        let user = belongings.user.map(|user| user.0);
        let named: Vec<Uuid> = belongings.interviews.iter().map(|id| id.0).collect();
        limited(async {
            let mut transaction = self.pool.begin().await?;
            let admins = lock_admins(&mut transaction).await?;
            // Locked, so that none begins while it is erased.
            let rows = sqlx::query!(
                r#"select id, (owner is not null and lease_until > clock_timestamp()) as "is_live!"
                 from interview_sessions where id = any($1) or user_id = $2 order by id for update"#,
                &named,
                user,
            );
            let rows = rows.fetch_all(&mut *transaction).await?;
            if rows.iter().any(|row| row.is_live) {
                return Err(StoreError::Conflict { what: "an interview is in progress".into() });
            }
            let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
            let files = sqlx::query_scalar!("select file from recordings where session_id = any($1)", &ids);
            let files = files.fetch_all(&mut *transaction).await?;
            sqlx::query!("delete from interview_sessions where id = any($1)", &ids).execute(&mut *transaction).await?;
            if let Some(user) = user {
                sqlx::query!("update audit_log set actor = 'erased' where actor_id = $1", user)
                    .execute(&mut *transaction)
                    .await?;
                sqlx::query!("delete from users where id = $1", user).execute(&mut *transaction).await?;
                must_have_admin(&mut transaction, admins).await?;
            }
            if !files.is_empty() {
                let key = format!("files:{}", Uuid::now_v7());
                sqlx::query!("select queue_job($1, $2, $3)", FILES_JOB, json!({ "files": files }), key)
                    .execute(&mut *transaction)
                    .await?;
            }
            transaction.commit().await?;
            Ok(())
        })
        .await
    }
}

/// Locks the admins, so that two who remove each other at once take turns; tells how many can log in.
pub(super) async fn lock_admins(connection: &mut PgConnection) -> Result<i64, StoreError> {
    sqlx::query!("select id from users where role = 'admin' order by id for update")
        .fetch_all(&mut *connection)
        .await?;
    admins(connection).await
}

/// Refuses what has taken the last admin that can log in, if there was one before.
pub(super) async fn must_have_admin(connection: &mut PgConnection, before: i64) -> Result<(), StoreError> {
    if before > 0 && admins(connection).await? == 0 {
        return Err(StoreError::Conflict { what: "no admin would be left".into() });
    }
    Ok(())
}

/// How many admins there are that can log in.
pub(super) async fn admins(connection: &mut PgConnection) -> Result<i64, StoreError> {
    let count =
        sqlx::query_scalar!(r#"select count(*) as "count!" from users where role = 'admin' and disabled_at is null"#);
    Ok(count.fetch_one(connection).await?)
}
