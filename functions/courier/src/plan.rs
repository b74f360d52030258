//! What an event asks for, decided without asking anybody.

use jiff::Timestamp;
use latchkey_shared::cache::DenyMark;
use latchkey_shared::domain::event::{Event, EventKind};
use latchkey_shared::domain::id::TokenId;
use latchkey_shared::domain::token::{Purpose, Token};
use latchkey_shared::domain::user::{Status, User};
use latchkey_shared::gate::deny_marks;

/// What one event asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The marks to write.
    pub(crate) deny: Vec<DenyMark>,
    /// The mail to send.
    pub(crate) letter: Option<Letter>,
}

/// A mail to send.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Letter {
    /// What makes two mails one: of equal keys one goes out.
    pub(crate) delivery: String,
    /// What it is about.
    pub(crate) subject: Subject,
}

/// What a mail is about.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// This token's code and link.
    Verification(TokenId),
    /// Somebody signed up with the user's address.
    SignUpRepeated,
    /// One of the user's sessions was ended.
    SessionEndedByReuse,
}

/// What an event asks for.
pub(crate) fn of(event: &Event) -> Plan {
    let kind = &event.kind;
    let deny = deny_marks(event.user, kind.ended_sessions(), kind.all_until());
    Plan {
        deny,
        letter: letter(event),
    }
}

fn letter(event: &Event) -> Option<Letter> {
    let (subject, delivery) = match &event.kind {
        EventKind::SignedUp {
            token_id,
            mailed: true,
        }
        | EventKind::VerificationRequested { token_id } => {
            (Subject::Verification(*token_id), event.id.to_string())
        }
        // Anybody can sign up with this address as often as they like, and each time its owner
        // would get a mail that they can do nothing about. One in an hour says it all.
        EventKind::SignUpRepeated => {
            let hour = event.at.as_second().div_euclid(60 * 60);
            let delivery = format!("sign_up_repeated#{}#{hour}", event.user);
            (Subject::SignUpRepeated, delivery)
        }
        EventKind::RefreshTokenReused { .. } => {
            (Subject::SessionEndedByReuse, event.id.to_string())
        }
        EventKind::SignedUp { mailed: false, .. }
        | EventKind::BreachCheckSkipped
        | EventKind::EmailVerified { .. }
        | EventKind::SessionStarted { .. }
        | EventKind::SessionsEnded { .. } => return None,
    };
    Some(Letter { delivery, subject })
}

/// Whether a token's code and link are any use to who gets them at `now`. A link that leads
/// nowhere is worse than no mail.
pub(crate) fn is_worth_mailing(token: &Token, now: Timestamp) -> bool {
    !token.decoy && token.link_is_alive(Purpose::VerifyEmail, now)
}

/// Whether the user is somebody to write to at `now`, at an address that they have verified.
pub(crate) fn can_be_told(user: &User, now: Timestamp) -> bool {
    let stands = !matches!(user.status, Status::Pending | Status::Deleted);
    stands && !user.shadow && !user.has_lapsed(now)
}

#[cfg(test)]
mod tests {
    use aws_lambda_events::event::dynamodb::Event as Batch;
    use jiff::SignedDuration;
    use latchkey_shared::domain::id::{SessionId, UserId};
    use latchkey_shared::store::events;
    use serde_json::{Value, json};

    use super::*;

    const USER: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8058";
    const EVENT: &str = "01H455VB4PEX5VSKNK084SN02Q";
    const AT: i64 = 1_800_000_000_000;

    /// An event of this type as Lambda hands it over.
    fn event(at: i64, kind: &str, data: Value) -> Event {
        let mut image = json!({
            "pk": {"S": format!("user#{USER}")},
            "sk": {"S": EVENT},
            "userId": {"S": USER},
            "at": {"N": at.to_string()},
            "type": {"S": kind},
            "ip": {"S": "203.0.113.7"},
            "requestId": {"S": "r-1"},
            "ttl": {"N": "1834560000"},
        });
        if !data.is_null() {
            image["data"] = data;
        }
        let batch = json!({"Records": [{
            "eventID": "1",
            "eventName": "INSERT",
            "awsRegion": "eu-central-1",
            "dynamodb": {"NewImage": image, "SequenceNumber": "111", "SizeBytes": 1},
        }]});
        let mut batch: Batch = serde_json::from_value(batch).unwrap();
        events::from_stream(batch.records.remove(0).change.new_image).unwrap()
    }

    fn token_data() -> Value {
        json!({"M": {"tokenId": {"S": ID}, "mailed": {"BOOL": true}}})
    }

    fn marks(ids: &[&str]) -> Vec<DenyMark> {
        ids.iter()
            .map(|id| DenyMark::Session {
                id: (*id).to_owned(),
            })
            .collect()
    }

    #[test]
    fn a_sign_up_and_a_request_mail_their_token_once_for_each_event() {
        for kind in ["user.signed_up", "user.verification_requested"] {
            let event = event(AT, kind, token_data());
            assert_eq!(event.kind.type_name(), kind);
            let letter = Letter {
                delivery: EVENT.to_owned(),
                subject: Subject::Verification(ID.parse().unwrap()),
            };
            let plan = of(&event);
            assert_eq!(plan.letter, Some(letter));
            assert!(plan.deny.is_empty());
        }
    }

    #[test]
    fn a_repeated_sign_up_is_told_once_an_hour() {
        let delivery = |minutes: i64| {
            let at = AT + minutes * 60 * 1000;
            let event = event(at, "user.sign_up_repeated", Value::Null);
            let letter = of(&event).letter.unwrap();
            assert_eq!(letter.subject, Subject::SignUpRepeated);
            letter.delivery
        };
        assert_eq!(delivery(0), delivery(59));
        assert_ne!(delivery(59), delivery(60));
        assert!(delivery(0).contains(USER));
    }

    #[test]
    fn a_reused_refresh_token_ends_its_session_and_is_told() {
        let data = json!({"M": {"sessionId": {"S": ID}}});
        let event = event(AT, "session.refresh_token_reused", data);
        let plan = of(&event);
        assert_eq!(plan.deny, marks(&[ID]));
        let letter = plan.letter.unwrap();
        assert_eq!(letter.subject, Subject::SessionEndedByReuse);
        assert_eq!(letter.delivery, EVENT);
        assert_eq!(event.source.ip.unwrap().to_string(), "203.0.113.7");
    }

    #[test]
    fn sessions_that_end_or_give_way_are_denied_without_a_mail() {
        let ids = json!({"L": [{"S": ID}, {"S": USER}]});
        let ended = json!({"M": {"sessionIds": ids, "reason": {"S": "logout_all"}}});
        let started = json!({"M": {
            "sessionId": {"S": "01890a5d-ac96-774b-bcce-b302099a8059"},
            "amr": {"L": [{"S": "pwd"}]},
            "evicted": ids,
        }});
        for (kind, data) in [("session.ended", ended), ("session.started", started)] {
            let plan = of(&event(AT, kind, data));
            assert_eq!(plan.deny, marks(&[ID, USER]), "{kind}");
            assert_eq!(plan.letter, None, "{kind}");
        }
    }

    #[test]
    fn a_verified_address_asks_for_nothing() {
        let data = json!({"M": {"becameAdmin": {"BOOL": true}}});
        let plan = of(&event(AT, "user.email_verified", data));
        assert_eq!(
            plan,
            Plan {
                deny: vec![],
                letter: None
            }
        );
    }

    #[test]
    fn the_public_type_is_the_one_that_is_written() {
        let (token_id, session_id) = (ID.parse().unwrap(), ID.parse::<SessionId>().unwrap());
        for kind in [
            EventKind::SignedUp {
                token_id,
                mailed: true,
            },
            EventKind::SignUpRepeated,
            EventKind::BreachCheckSkipped,
            EventKind::VerificationRequested { token_id },
            EventKind::EmailVerified {
                became_admin: false,
            },
            EventKind::SessionStarted {
                session_id,
                amr: vec![],
                evicted: vec![],
            },
            EventKind::SessionsEnded {
                session_ids: vec![],
                reason: latchkey_shared::domain::event::EndReason::Logout,
                all_until: None,
            },
            EventKind::RefreshTokenReused { session_id },
        ] {
            let written = serde_json::to_value(&kind).unwrap();
            assert_eq!(written["type"], kind.type_name());
        }
    }

    #[test]
    fn a_token_is_mailed_while_its_link_lives() {
        let made = Timestamp::from_millisecond(AT).unwrap();
        let token = Token::new(
            ID.parse().unwrap(),
            Purpose::VerifyEmail,
            USER.parse::<UserId>().unwrap(),
            "ada@example.com".parse().unwrap(),
            made,
        );
        let last = token.link_expires_at - SignedDuration::from_millis(1);
        assert!(is_worth_mailing(&token, made));
        assert!(is_worth_mailing(&token, last));
        assert!(!is_worth_mailing(&token, token.link_expires_at));
        let consumed = Token {
            consumed: true,
            ..token.clone()
        };
        assert!(!is_worth_mailing(&consumed, made));
        let decoy = Token {
            decoy: true,
            ..token
        };
        assert!(!is_worth_mailing(&decoy, made));
    }
}
