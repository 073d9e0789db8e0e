//! The question banks: categories and every version of every question. Must never change a version that was stored.

use super::{Store, StoreError};
use crate::id::CategoryId;
use crate::interview::question::{Bank, Level, Question};

/// A category, and how many questions it has.
#[derive(Clone, Debug, PartialEq)]
pub struct CategoryRow {
    pub id: CategoryId,
    pub slug: String,
    pub name: String,
    pub description: String,
    pub language: String,
    pub system_prompt: String,
    pub job_positions: Vec<String>,
    pub levels: Vec<LevelCount>,
}

/// How many questions there are at one level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelCount {
    pub level: Level,
    pub questions: i64,
}

impl Store {
    /// Makes the stored bank like `bank`: new and changed questions get a new version, what is gone is retired, and every
    /// old version stays. Returns the category's id.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when a value breaks a constraint.
    pub async fn sync_bank(&self, bank: &Bank) -> Result<CategoryId, StoreError> {
        let _ = bank;
        self.later().await
    }

    /// Every category that has questions.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn categories(&self) -> Result<Vec<CategoryRow>, StoreError> {
        self.later().await
    }

    /// A category with the newest version of its questions, in the order of the bank.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn bank(&self, slug: &str, language: &str) -> Result<Bank, StoreError> {
        let _ = (slug, language);
        self.later().await
    }

    /// One version of one question, retired or not.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn question(&self, category: CategoryId, key: &str, version: u32) -> Result<Question, StoreError> {
        let _ = (category, key, version);
        self.later().await
    }
}
