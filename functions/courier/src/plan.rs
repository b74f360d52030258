//! What an event asks for, decided without asking anybody.

use jiff::Timestamp;
use latchkey_shared::cache::DenyMark;
use latchkey_shared::denylist::deny_marks;
use latchkey_shared::domain::event::{Event, EventKind};
use latchkey_shared::domain::id::{TokenId, UserId};
use latchkey_shared::domain::token::Token;
use latchkey_shared::domain::user::{Status, User};

/// What one event asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The marks to write.
    pub(crate) deny: Vec<DenyMark>,
    /// The mails and SMS to send.
    pub(crate) letters: Vec<Letter>,
    /// Whether the cache is to be told where the account stands now.
    pub(crate) mark_status: bool,
    /// Whether the passkeys go that were registered while the account was a thief's.
    pub(crate) reject_passkeys: bool,
    /// Whether everything personal of the user goes.
    pub(crate) erase: bool,
}

/// A mail or SMS to send.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Letter {
    /// What makes two letters one: of equal keys one goes out.
    pub(crate) delivery: String,
    /// What it is about.
    pub(crate) subject: Subject,
}

/// What a letter is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// This token's code, and its link if it has one: to the token's own target.
    Code(TokenId),
    /// Somebody signed up with the user's address.
    SignUpRepeated,
    /// One of the user's sessions was ended.
    SessionEndedByReuse,
    /// The account moved away from the address that this token is for.
    EmailChanged(TokenId),
    /// The account moved to the address that it has now.
    EmailConfirmed,
    /// The account moved to another number: by mail, with this token's link.
    PhoneChanged(TokenId),
    /// The same, to the number that it moved away from.
    PhoneReplaced(TokenId),
    /// The password was changed; this token's link says that it was not the owner.
    PasswordChanged(TokenId),
    /// The account is held until a new password is set.
    AccountHeld,
    /// Wrong passwords locked the account for a while.
    AccountLocked,
    /// A passkey was registered.
    PasskeyAdded,
    /// A passkey was removed.
    PasskeyRemoved,
    /// A passkey was refused that may have been copied.
    PasskeyCloned,
    /// The account was moved by an admin, or its block ended: where it stands, until when.
    StatusChanged(Status, Option<Timestamp>),
    /// The account is gone; this token has its address.
    AccountDeleted(TokenId),
}

/// What an event asks for.
pub(crate) fn of(event: &Event) -> Plan {
    let kind = &event.kind;
    let deny = deny_marks(event.user, kind.ended_sessions(), kind.all_until());
    Plan {
        deny,
        letters: letters(event),
        mark_status: matches!(kind, EventKind::StatusChanged { .. }),
        reject_passkeys: matches!(kind, EventKind::ChangeRejected { .. }),
        erase: matches!(kind, EventKind::Deleted { .. }),
    }
}

fn letters(event: &Event) -> Vec<Letter> {
    let once = |subject| Letter {
        delivery: event.id.to_string(),
        subject,
    };
    let also = |subject| Letter {
        delivery: format!("{}#2", event.id),
        subject,
    };
    match &event.kind {
        EventKind::SignedUp {
            token_id,
            mailed: true,
        }
        | EventKind::VerificationRequested { token_id }
        | EventKind::ChallengeRequested { token_id, .. } => vec![once(Subject::Code(*token_id))],
        EventKind::SignUpRepeated => vec![Letter {
            delivery: hourly("sign_up_repeated", event.user, event.at),
            subject: Subject::SignUpRepeated,
        }],
        EventKind::Locked { .. } => vec![Letter {
            delivery: hourly("account_locked", event.user, event.at),
            subject: Subject::AccountLocked,
        }],
        EventKind::PasskeyAdded { .. } => vec![once(Subject::PasskeyAdded)],
        EventKind::PasskeyRemoved { .. } => vec![once(Subject::PasskeyRemoved)],
        EventKind::PasskeyCloneSuspected { .. } => vec![Letter {
            delivery: hourly("passkey_cloned", event.user, event.at),
            subject: Subject::PasskeyCloned,
        }],
        EventKind::RefreshTokenReused { .. } => vec![once(Subject::SessionEndedByReuse)],
        EventKind::EmailChanged { token_id } => vec![
            once(Subject::EmailChanged(*token_id)),
            also(Subject::EmailConfirmed),
        ],
        EventKind::PhoneChanged { token_id } => vec![
            once(Subject::PhoneChanged(*token_id)),
            also(Subject::PhoneReplaced(*token_id)),
        ],
        EventKind::PasswordChanged { token_id, .. } => {
            vec![once(Subject::PasswordChanged(*token_id))]
        }
        EventKind::ChangeRejected { .. } => vec![once(Subject::AccountHeld)],
        EventKind::Deleted { token_ids, .. } => token_ids
            .iter()
            .map(|token| Letter {
                delivery: format!("{}#{token}", event.id),
                subject: Subject::AccountDeleted(*token),
            })
            .collect(),
        EventKind::StatusChanged { to, until, .. } => {
            vec![once(Subject::StatusChanged(*to, *until))]
        }
        EventKind::SignedUp { mailed: false, .. }
        | EventKind::BreachCheckSkipped
        | EventKind::EmailVerified { .. }
        | EventKind::PhoneVerified
        | EventKind::ProfileChanged { .. }
        | EventKind::SteppedUp { .. }
        | EventKind::Exported
        | EventKind::Unlocked { .. }
        | EventKind::PlanChanged { .. }
        | EventKind::PlanDefined { .. }
        | EventKind::PlanDeleted { .. }
        | EventKind::PasskeyRenamed { .. }
        | EventKind::SessionStarted { .. }
        | EventKind::SessionsEnded { .. } => Vec::new(),
    }
}

/// The delivery of what anybody can make happen to the owner of an address as often as they like.
/// Each time the owner would get a mail that they can do nothing about; one in an hour says it all.
pub(crate) fn hourly(name: &str, user: UserId, at: Timestamp) -> String {
    let hour = at.as_second().div_euclid(60 * 60);
    format!("{name}#{user}#{hour}")
}

/// Whether a token's code or link is any use to who gets it at `now`. One that leads nowhere is
/// worse than no mail.
pub(crate) fn is_worth_sending(token: &Token, now: Timestamp) -> bool {
    !token.decoy && !token.consumed && now < token.expires_at()
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
    use latchkey_shared::domain::id::SessionId;
    use latchkey_shared::domain::passkey::PasskeyId;
    use latchkey_shared::domain::token::{Purpose, Target};
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
                subject: Subject::Code(ID.parse().unwrap()),
            };
            let plan = of(&event);
            assert_eq!(plan.letters, [letter]);
            assert!(plan.deny.is_empty());
        }
    }

    #[test]
    fn a_repeated_sign_up_is_told_once_an_hour() {
        let delivery = |minutes: i64| {
            let at = AT + minutes * 60 * 1000;
            let event = event(at, "user.sign_up_repeated", Value::Null);
            let letter = of(&event).letters.remove(0);
            assert_eq!(letter.subject, Subject::SignUpRepeated);
            letter.delivery
        };
        assert_eq!(delivery(0), delivery(59));
        assert_ne!(delivery(59), delivery(60));
        assert!(delivery(0).contains(USER));
    }

    #[test]
    fn locks_are_told_once_an_hour() {
        let delivery = |minutes: i64| {
            let at = AT + minutes * 60 * 1000;
            let data = json!({"M": {
                "until": {"S": "2027-01-15T08:01:00Z"},
                "bucket": {"S": "unknown_device"},
            }});
            let event = event(at, "user.locked", data);
            let letter = of(&event).letters.remove(0);
            assert_eq!(letter.subject, Subject::AccountLocked);
            letter.delivery
        };
        assert_eq!(delivery(0), delivery(59));
        assert_ne!(delivery(59), delivery(60));
        assert!(delivery(0).contains(USER));
    }

    #[test]
    fn what_becomes_of_passkeys_is_told_and_a_copied_one_once_an_hour() {
        let told = |kind, minutes: i64| {
            let data = json!({"M": {"passkeyId": {"S": PasskeyId::of(&[1]).to_string()}}});
            let event = event(AT + minutes * 60 * 1000, kind, data);
            let mut letters = of(&event).letters;
            let letter = letters
                .pop()
                .map(|letter| (letter.subject, letter.delivery));
            assert_eq!(letters, [], "{kind}");
            letter
        };
        let once = |subject| Some((subject, EVENT.to_owned()));
        assert_eq!(told("passkey.added", 0), once(Subject::PasskeyAdded));
        assert_eq!(told("passkey.removed", 0), once(Subject::PasskeyRemoved));
        assert_eq!(told("passkey.renamed", 0), None);
        let cloned = |minutes| told("passkey.clone_suspected", minutes).unwrap();
        assert_eq!(cloned(0).0, Subject::PasskeyCloned);
        assert_eq!(cloned(0), cloned(59));
        assert_ne!(cloned(59), cloned(60));
    }

    #[test]
    fn a_reused_refresh_token_ends_its_session_and_is_told() {
        let data = json!({"M": {"sessionId": {"S": ID}}});
        let event = event(AT, "session.refresh_token_reused", data);
        let mut plan = of(&event);
        assert_eq!(plan.deny, marks(&[ID]));
        let letter = plan.letters.remove(0);
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
            assert_eq!(plan.letters, [], "{kind}");
        }
    }

    #[test]
    fn a_change_of_status_is_marked_and_told() {
        let data = json!({"M": {
            "from": {"S": "active"},
            "to": {"S": "banned"},
            "reason": {"S": "Spam"},
            "version": {"N": AT.to_string()},
            "sessionIds": {"L": [{"S": ID}]},
            "allUntil": {"S": "2027-01-15T08:00:00Z"},
        }});
        let mut plan = of(&event(AT, "user.status_changed", data));
        // Of the user the row decides, when the event is acted upon: a later move may have come.
        assert_eq!(plan.deny, marks(&[ID]));
        assert!(plan.mark_status);
        let letter = plan.letters.remove(0);
        assert_eq!(letter.subject, Subject::StatusChanged(Status::Banned, None));
    }

    #[test]
    fn a_verified_address_asks_for_nothing() {
        let data = json!({"M": {"becameAdmin": {"BOOL": true}}});
        let plan = of(&event(AT, "user.email_verified", data));
        assert_eq!(
            plan,
            Plan {
                deny: vec![],
                letters: vec![],
                mark_status: false,
                reject_passkeys: false,
                erase: false,
            }
        );
    }

    #[test]
    fn the_public_type_is_the_one_that_is_written() {
        let (token_id, session_id) = (ID.parse().unwrap(), ID.parse::<SessionId>().unwrap());
        let passkey_id = PasskeyId::of(&[1]);
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
            EventKind::PasskeyAdded { passkey_id },
            EventKind::PasskeyRenamed { passkey_id },
            EventKind::PasskeyRemoved { passkey_id },
            EventKind::PasskeyCloneSuspected { passkey_id },
            EventKind::Locked {
                until: Timestamp::UNIX_EPOCH,
                bucket: latchkey_shared::domain::lockout::BucketKind::Session,
            },
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
            Some(Target::Email("ada@example.com".parse().unwrap())),
            made,
        );
        let last = token.link_expires_at - SignedDuration::from_millis(1);
        assert!(is_worth_sending(&token, made));
        assert!(is_worth_sending(&token, last));
        assert!(!is_worth_sending(&token, token.link_expires_at));
        let consumed = Token {
            consumed: true,
            ..token.clone()
        };
        assert!(!is_worth_sending(&consumed, made));
        let decoy = Token {
            decoy: true,
            ..token
        };
        assert!(!is_worth_sending(&decoy, made));
    }
}
