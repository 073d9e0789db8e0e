//! Databases as a whole: whether one answers, and making one. Must never drop one.

use super::{StoreError, limited};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection};
use std::str::FromStr;

/// Whether a connection to `url` can be had.
///
/// # Errors
/// [`StoreError::Unavailable`] when not.
pub async fn answers(url: &str) -> Result<(), StoreError> {
    let connection = connect(url).await?;
    connection.close().await?;
    Ok(())
}

/// Makes the database `name` over a connection to another one at `url`; does nothing if it is there.
///
/// # Errors
/// [`StoreError::Invalid`] when the name is not made of small letters, digits and underscores.
pub async fn create_database(url: &str, name: &str) -> Result<(), StoreError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.is_empty() || !name.chars().all(plain) {
        return Err(StoreError::Invalid { what: "the name of a database".into() });
    }
    let mut connection = connect(url).await?;
    let there = sqlx::query_scalar!("select oid from pg_database where datname = $1", name)
        .fetch_optional(&mut connection)
        .await?;
    if there.is_none() {
        // A name cannot be a parameter; it was looked at above.
        let made = sqlx::query(AssertSqlSafe(format!("create database {name}"))).execute(&mut connection).await;
        match made.map_err(StoreError::from) {
            Ok(_) => {}
            // Another process was quicker: duplicate_database, or the catalogue's own index.
            Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    connection.close().await?;
    Ok(())
}

async fn connect(url: &str) -> Result<PgConnection, StoreError> {
    let options =
        PgConnectOptions::from_str(url).map_err(|_| StoreError::Invalid { what: "the database's URL".into() })?;
    limited(async { Ok(PgConnection::connect_with(&options).await?) }).await
}
