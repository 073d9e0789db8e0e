//! What the operator may decide about people: accounts, how long their data is kept, and who is told of it.

use serde::Deserialize;

/// `[accounts]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accounts {
    pub registration_open: bool,
    pub behind_proxy: bool,
    pub refresh_days: u32,
    pub hashes_max: usize,
    pub address_burst: u32,
    pub address_every_s: u32,
    pub account_burst: u32,
    pub account_every_s: u32,
}

/// `[privacy]`: 0 keeps for ever.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Privacy {
    pub recording_days: u32,
    pub words_days: u32,
    pub report_days: u32,
    pub audit_days: u32,
    pub delivery_days: u32,
}

/// `[webhooks]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhooks {
    pub allow_private: bool,
    pub timeout_s: u32,
    pub attempts_max: u32,
}

/// `[profile]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    pub cv_bytes_max: usize,
    pub readers_max: usize,
}

/// What types alone cannot say: whether it is wrong, and what to say of it.
pub(super) fn wrong(settings: &super::Settings) -> [(bool, &'static str); 4] {
    let accounts = &settings.accounts;
    [
        (accounts.hashes_max == 0, "accounts.hashes_max must be at least 1"),
        (
            accounts.address_burst == 0 || accounts.account_burst == 0 || accounts.refresh_days == 0,
            "accounts.address_burst, account_burst and refresh_days must be at least 1",
        ),
        (
            settings.webhooks.timeout_s == 0 || settings.webhooks.attempts_max == 0,
            "webhooks.timeout_s and attempts_max must be at least 1",
        ),
        (
            settings.profile.cv_bytes_max == 0 || settings.profile.readers_max == 0,
            "profile.cv_bytes_max and readers_max must be at least 1",
        ),
    ]
}
