//! The second step of `POST /api/auth/sign-in`: `{token, code, method?, trustDevice?}`.
//!
//! The token of the first step opens this and nothing else, for 5 minutes and once. Without a code,
//! and with `method` `email` or `sms`, one is sent. A recovery code serves in the place of any other.

use latchkey_shared::domain::factor::{FactorCode, Method};
use latchkey_shared::domain::token::{Purpose, Token};
use latchkey_shared::domain::user::User;
use latchkey_shared::gate::{self, Delivery, Entrant, Entry, Second};
use latchkey_shared::http::{Caller, Device, Fields, Problem};
use latchkey_shared::second_factor::Tried;

use crate::State;

/// Two factors (RFC 8176).
const MULTI_FACTOR: &str = "mfa";

#[derive(Debug)]
pub(crate) struct SecondStep {
    token: String,
    code: Option<FactorCode>,
    method: Option<Method>,
    trust_device: bool,
    delivery: Delivery,
}

impl SecondStep {
    pub(crate) fn read(fields: &mut Fields) -> Option<Self> {
        let token = fields.required("token");
        let code = fields.optional("code");
        let method = fields.optional("method");
        let trust_device = fields.optional("trustDevice");
        let delivery = fields.optional::<Delivery>("tokenDelivery");
        // "The same call": whatever the first step said is not said again, and not read.
        for name in [
            "email",
            "username",
            "phoneNumber",
            "countryCode",
            "mobile",
            "identifier",
            "password",
        ] {
            fields.discard(name);
        }
        if let (Some(None), Some(None)) = (&code, &method) {
            fields.refuse(
                "code",
                "required",
                "Send the code, or the method to send one by.",
            );
        }
        let delivery = delivery.map(Option::unwrap_or_default);
        if trust_device == Some(Some(true)) && delivery == Some(Delivery::Body) {
            let message = "Only a browser is trusted, by its cookie.";
            fields.refuse("trustDevice", "invalid_choice", message);
        }
        Some(Self {
            token: token?,
            code: code?,
            method: method?,
            trust_device: trust_device?.unwrap_or_default(),
            delivery: delivery?,
        })
    }
}

impl State {
    /// Lets in who shows the second factor, or sends them a code.
    pub(crate) async fn second_step(
        &self,
        step: SecondStep,
        device: Device,
        caller: &Caller,
    ) -> Result<Entry, Problem> {
        let now = self.clock.now();
        let ticket = self
            .desk
            .open_link(&step.token, Purpose::SignIn, now)
            .await?;
        let (user, sessions) = tokio::try_join!(
            self.users.get(ticket.user),
            self.sessions.of_user(ticket.user)
        )?;
        // With another password, or signed out of everywhere, one begins anew.
        let user = user
            .filter(|user| user.epoch == ticket.epoch && !is_cut_off(&ticket, user))
            .ok_or_else(Problem::code_expired)?;
        match (&step.code, step.method) {
            (Some(code), _) => {
                let (code, method) = (code.clone(), step.method);
                let entrant = Entrant {
                    user,
                    sessions,
                    amr: Vec::new(),
                    proof: None,
                    attempt: None,
                    passkey: None,
                    second: None,
                    device,
                    new_place: true,
                    delivery: step.delivery,
                };
                self.finish(entrant, ticket, (&code, method), step.trust_device, caller)
                    .await
            }
            (None, Some(method)) => self.send(&user, &ticket, method, caller).await,
            (None, None) => Err(Problem::code_expired()),
        }
    }

    async fn send(
        &self,
        user: &User,
        ticket: &Token,
        method: Method,
        caller: &Caller,
    ) -> Result<Entry, Problem> {
        let step = self.gate.send_code(user, ticket, method, caller).await?;
        Ok(Entry::SecondStep(Box::new(step)))
    }

    async fn finish(
        &self,
        mut entrant: Entrant,
        ticket: Token,
        (code, method): (&FactorCode, Option<Method>),
        trust_device: bool,
        caller: &Caller,
    ) -> Result<Entry, Problem> {
        let tried = Tried {
            user: &entrant.user,
            code,
            method,
            purpose: Purpose::SecondFactor,
            session: gate::ticket_session(&ticket)?,
            token: None,
        };
        let shown = self.second_factors.check(tried, caller).await?;
        entrant.amr.clone_from(&ticket.amr);
        entrant
            .amr
            .extend([shown.amr, MULTI_FACTOR].map(ToOwned::to_owned));
        entrant.attempt = Some(shown.attempt.clone());
        entrant.second = Some(Second {
            ticket,
            used: shown.used,
            trust_device,
        });
        let entered = self.gate.admit(entrant, caller).await;
        if entered.is_err() {
            self.second_factors.withdraw(&shown.attempt).await;
        }
        entered
    }
}

/// Whether all sessions were ended after the first step. What has no epoch of its own, such as a
/// sign-out everywhere, is told by time.
fn is_cut_off(ticket: &Token, user: &User) -> bool {
    let begun = ticket.id.unix_millis();
    user.cutoff
        .is_some_and(|cutoff| begun <= cutoff.at.as_millisecond())
}
