//! `vivavoce seed`: fills the database with made-up interviews, for measuring (`vivavoce bench rest`). Must never be run
//! where people work: it says so, and asks for a word of consent.

use super::ConfigArgument;
use super::user;
use crate::app;
use crate::auth::password::Passwords;
use crate::id::UserId;
use crate::store::{NewUser, Seed, Store, StoreError, UserRole};
use anyhow::bail;
use std::process::ExitCode;

/// Candidates among whom the interviews are shared out.
const CANDIDATES: u32 = 50;
/// Who reads them.
const INTERVIEWER: &str = "seed-interviewer";

/// Fill the database with made-up interviews and accounts, for measuring. The interviewer's password is read from standard
/// input; at a terminal one is made and shown once.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[arg(long, default_value_t = 10_000)]
    interviews: u32,
    /// Lines of transcript each.
    #[arg(long, default_value_t = 50)]
    lines: u32,
    /// That this database is for measuring.
    #[arg(long)]
    made_up: bool,
    #[command(flatten)]
    config: ConfigArgument,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    if !arguments.made_up {
        bail!("this fills the database with made-up interviews: say --made-up if it is for measuring");
    }
    let (password, is_made) = user::password()?;
    let (settings, paths) = arguments.config.load()?;
    crate::telemetry::init_logging(&settings.telemetry)?;
    let hash = Passwords::new(1)?.hash(password.clone()).await?;
    let database = app::open_database(&settings, &paths).await?;
    let seeded = seed(&database.store, &arguments, &hash).await;
    database.close().await?;
    seeded?;
    println!("{} interviews with {} lines each, read by {INTERVIEWER}.", arguments.interviews, arguments.lines);
    if is_made {
        println!("Password, shown this once: {password}");
    }
    Ok(ExitCode::SUCCESS)
}

async fn seed(store: &Store, arguments: &Arguments, hash: &str) -> anyhow::Result<()> {
    let mut candidates = Vec::new();
    for number in 1..=CANDIDATES {
        candidates.push(account(store, &format!("seed-candidate-{number}"), "none", UserRole::Candidate).await?);
    }
    account(store, INTERVIEWER, hash, UserRole::Interviewer).await?;
    let seed = Seed { interviews: arguments.interviews, lines: arguments.lines, answers: 6 };
    store
        .seed(&seed, &candidates, |made| {
            if made % 1_000 == 0 {
                eprintln!("{made} interviews");
            }
        })
        .await?;
    Ok(())
}

/// The account of that name, made if there is none; its password is the one that is given now.
async fn account(store: &Store, username: &str, hash: &str, role: UserRole) -> anyhow::Result<UserId> {
    match store.user_by_login(username).await {
        Ok(user) => {
            store.change_password(user.id, &user.password_hash, hash).await?;
            Ok(user.id)
        }
        Err(StoreError::NotFound) => {
            let new = NewUser {
                id: UserId::create(),
                username: username.to_owned(),
                email: format!("{username}@example.invalid"),
                password_hash: hash.to_owned(),
                full_name: String::new(),
                role,
            };
            Ok(store.create_user(&new).await?.id)
        }
        Err(error) => Err(error.into()),
    }
}
