//! What may be spent with providers, asked where an interview begins. Must never end an interview that is under way.

use super::live::Live;
use crate::http::InterviewError;

impl Live {
    /// Refuses where today's money is spent and some part can do nothing without it. Who is in an interview goes on as far
    /// as it goes.
    pub(super) async fn check_budget(&self) -> Result<(), InterviewError> {
        let ledger = self.parts.meter.ledger();
        ledger.see(self.store.spent_on(self.clock.now().date_naive()).await?);
        match ledger.day_is_spent() {
            Some(said) if !super::providers::can_do_without_money(&self.settings) => {
                tracing::warn!(%said, "an interview was refused");
                let said = "What this server may spend on speech services today is used up. Come back tomorrow, or ask \
                            whoever runs it for a higher limit.";
                Err(InterviewError::Unavailable { said: said.into() })
            }
            Some(_) | None => Ok(()),
        }
    }
}
