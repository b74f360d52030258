//! Writes the mail that an event asks for and sends it once.

use jiff::Timestamp;
use latchkey_shared::domain::email::EmailAddress;
use latchkey_shared::domain::event::Event;
use latchkey_shared::domain::id::{TokenId, UserId};
use latchkey_shared::mail::{Mail, SessionEndedByReuse, SignUpRepeated, VerifyEmail};
use latchkey_shared::store::StoreError;
use latchkey_shared::store::deliveries::Claim;
use latchkey_shared::telemetry::chain;

use crate::plan::{self, Letter, Subject};
use crate::{Failure, State};

/// Sends the mail, unless it has been sent or has lost its point.
pub(crate) async fn deliver(state: &State, event: &Event, letter: Letter) -> Result<(), Failure> {
    let now = state.clock.now();
    let Some((to, mail)) = write(state, event, letter.subject, now).await? else {
        tracing::info!("no mail: nobody is waiting for it any more");
        return Ok(());
    };
    if state.undeliverable.contains(&to).await? {
        tracing::info!(
            template = mail.template(),
            "no mail: its address takes none"
        );
        return Ok(());
    }
    let delivery = letter.delivery.as_str();
    match state.deliveries.claim(delivery, now).await? {
        Claim::Fresh => {}
        Claim::Done => {
            tracing::info!(template = mail.template(), "no mail: it has been sent");
            return Ok(());
        }
        Claim::Busy => return Err(Failure::Busy),
    }
    if !state
        .mail_budget
        .spend(&to, mail.template(), event.id)
        .await
    {
        // Settled, as if it were out: it would be of no use in an hour.
        state.deliveries.done(delivery, now).await?;
        return Ok(());
    }
    if let Err(error) = state.mailer.send(&to, &*mail, event.id).await {
        if let Err(error) = state.deliveries.release(delivery, now).await {
            tracing::warn!(
                error = chain(&error),
                "the claim on a mail stays until it lapses"
            );
        }
        return Err(error.into());
    }
    tracing::info!(template = mail.template(), "mail sent");
    // The mail is out. To fail now would bring the event again, and with it a second mail.
    if let Err(error) = state.deliveries.done(delivery, state.clock.now()).await {
        tracing::warn!(
            error = chain(&error),
            "a mail that was sent could not be noted"
        );
    }
    Ok(())
}

/// The mail and whom it goes to; none where it would be of no use to anybody.
async fn write(
    state: &State,
    event: &Event,
    subject: Subject,
    now: Timestamp,
) -> Result<Option<(EmailAddress, Box<dyn Mail>)>, StoreError> {
    Ok(match subject {
        Subject::Verification(token) => verification(state, token, now).await?,
        Subject::SignUpRepeated => address(state, event.user, now)
            .await?
            .map(|to| (to, Box::new(SignUpRepeated) as _)),
        Subject::SessionEndedByReuse => address(state, event.user, now).await?.map(|to| {
            let mail = SessionEndedByReuse {
                at: event.at,
                source: event.source.clone(),
            };
            (to, Box::new(mail) as _)
        }),
    })
}

/// A verification goes to the address that the token was made for: sent to the one that the user
/// has by now, it would let that address's owner verify the other.
async fn verification(
    state: &State,
    token: TokenId,
    now: Timestamp,
) -> Result<Option<(EmailAddress, Box<dyn Mail>)>, StoreError> {
    let token = state.tokens.get(token).await?;
    let Some(token) = token.filter(|token| plan::is_worth_mailing(token, now)) else {
        return Ok(None);
    };
    let mail = VerifyEmail {
        code: state.keys.code(token.id, token.purpose),
        link: state.keys.link(token.id, token.purpose),
    };
    Ok(Some((token.email, Box::new(mail))))
}

async fn address(
    state: &State,
    user: UserId,
    now: Timestamp,
) -> Result<Option<EmailAddress>, StoreError> {
    let user = state.users.get(user).await?;
    Ok(user
        .filter(|user| plan::can_be_told(user, now))
        .map(|user| user.email))
}
