//! Consumes the event stream: mail, SMS and deny marks. And what SES says became of the mails.
//!
//! The stream brings each event at least once and in order for each user; an event that fails
//! comes again, with all that stand behind it. So everything done here may be done twice: deny
//! marks are the same when written again, and a mail is claimed before it is sent.

use std::sync::Arc;

use aws_lambda_events::event::dynamodb::{Event as Batch, EventRecord};
use aws_lambda_events::event::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use latchkey_shared::cache::{Cache, CacheError};
use latchkey_shared::clock::Clock;
use latchkey_shared::domain::event::Event;
use latchkey_shared::keys::Keyring;
use latchkey_shared::mail::{MailError, Mailer};
use latchkey_shared::mail_budget::MailBudget;
use latchkey_shared::platform::{Platform, StartError};
use latchkey_shared::sms::{SmsBudget, SmsError, SmsSender};
use latchkey_shared::status_mark::StatusMark;
use latchkey_shared::store::deliveries::Deliveries;
use latchkey_shared::store::erasure::Erasure;
use latchkey_shared::store::passkeys::Passkeys;
use latchkey_shared::store::tokens::Tokens;
use latchkey_shared::store::undeliverable::Undeliverable;
use latchkey_shared::store::users::Users;
use latchkey_shared::store::{StoreError, events};
use latchkey_shared::telemetry::chain;
use latchkey_shared::words::WordsError;
use serde_json::Value;
use tracing::Instrument;

mod feedback;
mod invocation;
mod letters;
mod plan;
mod sms;

pub use feedback::Malformed;
pub use invocation::Unknown;
pub use sms::Texted;

use invocation::Invocation;
use plan::Letter;

/// What the function uses.
#[derive(Clone)]
pub struct State {
    tokens: Tokens,
    users: Users,
    passkeys: Passkeys,
    deliveries: Deliveries,
    erasure: Erasure,
    app_name: String,
    undeliverable: Undeliverable,
    mailer: Mailer,
    mail_budget: MailBudget,
    sms: SmsSender,
    sms_budget: SmsBudget,
    cache: Arc<dyn Cache>,
    clock: Arc<dyn Clock>,
    keys: Arc<Keyring>,
}

impl State {
    /// The function's state on this platform.
    pub async fn open(platform: &Platform) -> Result<Self, StartError> {
        let client = platform.dynamodb();
        let (env, keys) = (&platform.env, &platform.keys);
        let cache = platform.cache().await?;
        Ok(Self {
            tokens: Tokens::open(&client, env)?,
            users: Users::open(&client, env)?,
            passkeys: Passkeys::open(&client, env)?,
            deliveries: Deliveries::open(&client, env, platform.random.clone())?,
            erasure: Erasure::open(&client, env)?,
            app_name: env.required("APP_NAME")?.to_owned(),
            undeliverable: Undeliverable::open(&client, env, keys.clone())?,
            mailer: Mailer::open(&platform.aws, env)?,
            mail_budget: MailBudget::open(env, cache.clone(), keys.clone())?,
            sms: SmsSender::open(&platform.aws, env)?,
            sms_budget: SmsBudget::open(env, cache.clone())?,
            cache,
            clock: platform.clock.clone(),
            keys: keys.clone(),
        })
    }
}

/// Why something has to come again.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A table could not be read or written, or the event itself can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The deny marks may not all be written, or an SMS can't be counted.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// The mail was not sent, as far as we know.
    #[error(transparent)]
    Mail(#[from] MailError),
    /// The SMS was not sent, as far as we know.
    #[error(transparent)]
    Sms(#[from] SmsError),
    /// The SMS could not be written.
    #[error(transparent)]
    Words(#[from] WordsError),
    /// Another attempt at the mail holds the claim, or died with it.
    #[error("the mail is being sent by another attempt")]
    Busy,
    /// What SES says is not understood.
    #[error(transparent)]
    Feedback(#[from] Malformed),
    /// What Lambda handed over is not understood.
    #[error(transparent)]
    Invocation(#[from] Unknown),
}

/// Acts on whatever Lambda invokes the function with, and answers as Lambda expects it. What
/// fails as a whole comes again as a whole.
pub async fn invoke(state: &State, payload: Value) -> Result<Value, Failure> {
    let answer = match Invocation::read(payload) {
        Ok(Invocation::Stream(batch)) => {
            let response = handle(state, batch).await;
            serde_json::to_value(response).map_err(|_| Unknown.into())
        }
        Ok(Invocation::Feedback(notifications)) => feedback::take(state, notifications)
            .await
            .map(|()| Value::Null),
        Err(unknown) => Err(unknown.into()),
    };
    if let Err(failure) = &answer {
        tracing::error!(error = chain(failure), "an invocation failed");
    }
    answer
}

/// Acts on a batch of the stream, record by record. What fails is reported and does not keep the
/// others from their turn.
pub async fn handle(state: &State, batch: Batch) -> DynamoDbEventResponse {
    let mut response = DynamoDbEventResponse::default();
    for record in batch.records {
        // An event is written once. What changes or goes away after that is retention at work.
        if record.event_name != "INSERT" {
            continue;
        }
        // Lambda takes a failure without a number for that of the whole batch.
        let number = record.change.sequence_number.clone();
        if let Err(failure) = act(state, record).await {
            tracing::error!(
                stream.sequence_number = number.as_deref(),
                error = chain(&failure),
                "an event failed"
            );
            response.batch_item_failures.push(item_failure(number));
        }
    }
    response
}

async fn act(state: &State, record: EventRecord) -> Result<(), Failure> {
    let event = events::from_stream(record.change.new_image)?;
    let span = tracing::info_span!(
        "event",
        "event.id" = %event.id,
        "event.type" = event.kind.type_name(),
        "request.id" = event.request_id,
    );
    async {
        let plan = plan::of(&event);
        let denied = deny(state, &event, &plan).await;
        // A cache that is away holds up no mail: that is claimed, and does not go out twice.
        let told = tell(state, &event, plan.letters).await;
        if plan.reject_passkeys
            && let Some(user) = state.users.get(event.user).await?
        {
            state.passkeys.reject(&user).await?;
        }
        if plan.erase {
            // SES may be away for longer than an event is tried: what is personal goes all the
            // same, but for the tokens that the mails need, which die within a day.
            let needed = if told.is_err() {
                event.kind.tokens()
            } else {
                &[]
            };
            state.erasure.erase(event.user, needed).await?;
        }
        told.and(denied)
    }
    .instrument(span)
    .await
}

async fn tell(state: &State, event: &Event, letters: Vec<Letter>) -> Result<(), Failure> {
    for letter in letters {
        letters::deliver(state, event, letter).await?;
    }
    Ok(())
}

/// Marks the sessions that the event ended, in case the request that ended them died before it
/// could.
async fn deny(state: &State, event: &Event, plan: &plan::Plan) -> Result<(), Failure> {
    if !plan.deny.is_empty() {
        state.cache.deny(&plan.deny).await?;
    }
    if plan.mark_status
        && let Some(user) = state.users.get(event.user).await?
    {
        StatusMark::of(&user).write(&*state.cache).await?;
    }
    Ok(())
}

fn item_failure(number: Option<String>) -> DynamoDbBatchItemFailure {
    let mut failure = DynamoDbBatchItemFailure::default();
    failure.item_identifier = number;
    failure
}
