//! `vivavoce user`: accounts, by whoever has the server's own shell. Must never show a password that was given.

use super::ConfigArgument;
use crate::app;
use crate::auth::account;
use crate::auth::opaque;
use crate::auth::password::Passwords;
use crate::id::UserId;
use crate::store::{NewUser, StoreError, UserRole};
use anyhow::{Context as _, bail};
use clap::Subcommand;
use std::io::{IsTerminal as _, Read as _};
use std::process::ExitCode;

/// Longest password that is read, bytes.
const PASSWORD_BYTES_MAX: u64 = 1_024;
/// Characters of a password that is made here: 80 random bits.
const MADE_CHARS: usize = 20;

/// Accounts.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Add(Add),
}

/// Add an account. The password is read from standard input; at a terminal one is made and shown once.
#[derive(Debug, clap::Args)]
struct Add {
    /// Name to log in by.
    username: String,
    /// E-mail address.
    #[arg(long)]
    email: String,
    #[arg(long, default_value = "")]
    full_name: String,
    /// May do everything.
    #[arg(long, conflicts_with = "interviewer")]
    admin: bool,
    /// May hold interviews and read their reports.
    #[arg(long)]
    interviewer: bool,
    #[command(flatten)]
    config: ConfigArgument,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments.command {
        Command::Add(add) => add.run().await,
    }
}

impl Add {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let username = account::username(&self.username).map_err(anyhow::Error::msg)?;
        let email = account::email(&self.email).map_err(anyhow::Error::msg)?;
        let full_name = account::full_name(&self.full_name).map_err(anyhow::Error::msg)?;
        let (password, is_made) = password()?;
        account::new_password(&password, &username, &email).map_err(anyhow::Error::msg)?;
        let (settings, paths) = self.config.load()?;
        crate::telemetry::init_logging(&settings.telemetry)?;
        let password_hash = Passwords::new(1)?.hash(password.clone()).await?;
        let role = match (self.admin, self.interviewer) {
            (true, _) => UserRole::Admin,
            (false, true) => UserRole::Interviewer,
            (false, false) => UserRole::Candidate,
        };
        let database = app::open_database(&settings, &paths).await?;
        let new = NewUser { id: UserId::create(), username, email, password_hash, full_name, role };
        let made = database.store.create_user(&new).await;
        database.close().await?;
        match made {
            Ok(user) => println!("{} is {}.", user.username, user.role),
            Err(StoreError::Conflict { .. }) => bail!("there is an account with this name or address already"),
            Err(error) => return Err(error.into()),
        }
        if is_made {
            println!("Password, shown this once: {password}");
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The first line of standard input, or one that is made; and whether it was made.
pub(super) fn password() -> anyhow::Result<(String, bool)> {
    if std::io::stdin().is_terminal() {
        return Ok((opaque::create().chars().take(MADE_CHARS).collect(), true));
    }
    let mut text = String::new();
    std::io::stdin().take(PASSWORD_BYTES_MAX).read_to_string(&mut text).context("the password cannot be read")?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok((line.to_owned(), false)),
        Some(_) | None => Ok((opaque::create().chars().take(MADE_CHARS).collect(), true)),
    }
}
