//! Sends an SMS, where the budget allows it.

use latchkey_shared::domain::id::EventId;
use latchkey_shared::domain::phone::PhoneNumber;
use latchkey_shared::telemetry::chain;

use crate::{Failure, State};

/// What became of an SMS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Texted {
    /// SNS has taken it.
    Sent,
    /// The deployment's budget is spent. It would say so an hour too late if it waited.
    Capped,
    /// SNS takes no such SMS: the number is no good, or its owner has opted out.
    Refused,
}

impl State {
    /// Counts an SMS of this template and sends it, because of an event. What fails here, and
    /// what can't be counted, may come again; the rest is settled.
    pub async fn text(
        &self,
        to: &PhoneNumber,
        template: &str,
        text: &str,
        event: EventId,
    ) -> Result<Texted, Failure> {
        if !self.sms_budget.spend().await? {
            tracing::warn!(template, event.id = %event, "no SMS: the budget is spent");
            return Ok(Texted::Capped);
        }
        match self.sms.send(to, template, text, event).await {
            Ok(()) => {
                tracing::info!(template, event.id = %event, "SMS sent");
                Ok(Texted::Sent)
            }
            Err(error) if error.is_permanent() => {
                tracing::warn!(
                    template,
                    event.id = %event,
                    error = chain(&error),
                    "no SMS: it is not taken"
                );
                Ok(Texted::Refused)
            }
            Err(error) => Err(error.into()),
        }
    }
}
