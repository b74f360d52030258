//! What each event asks for.

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
fn locks_are_told_once_an_hour_and_those_of_second_factors_apart() {
    let letter = |bucket, minutes: i64| {
        let at = AT + minutes * 60 * 1000;
        let data = json!({"M": {
            "until": {"S": "2027-01-15T08:01:00Z"},
            "bucket": {"S": bucket},
        }});
        let mut letters = of(&event(at, "user.locked", data)).letters;
        let letter = letters.remove(0);
        assert_eq!(letters, [], "{bucket}");
        letter
    };
    for (bucket, subject) in [
        ("unknown_device", Subject::AccountLocked),
        ("known_device", Subject::AccountLocked),
        ("session", Subject::AccountLocked),
        ("second_factor", Subject::SecondFactorLocked),
    ] {
        let first = letter(bucket, 0);
        assert_eq!(first.subject, subject, "{bucket}");
        assert!(first.delivery.contains(USER), "{bucket}");
        assert_eq!(first, letter(bucket, 59));
        assert_ne!(first, letter(bucket, 60));
    }
    // Of two letters with one delivery the second is not sent: the worse news must not be that.
    let [password, second] = ["session", "second_factor"].map(|bucket| letter(bucket, 0));
    assert_ne!(password.delivery, second.delivery);
}

#[test]
fn what_becomes_of_second_factors_is_told_each_time() {
    let methods = || json!({"L": [{"S": "totp"}, {"S": "email"}]});
    for (kind, data, subject) in [
        (
            "mfa.enabled",
            json!({"M": {"method": {"S": "sms"}}}),
            Subject::MfaEnabled(Method::Sms),
        ),
        (
            "mfa.disabled",
            json!({"M": {"methods": methods()}}),
            Subject::MfaDisabled,
        ),
        (
            "mfa.recovery_codes_made",
            Value::Null,
            Subject::RecoveryCodesMade,
        ),
        (
            "mfa.recovery_code_used",
            Value::Null,
            Subject::RecoveryCodeUsed,
        ),
    ] {
        let plan = of(&event(AT, kind, data));
        let delivery = EVENT.to_owned();
        assert_eq!(plan.letters, [Letter { delivery, subject }], "{kind}");
        assert_eq!(plan.deny, [], "{kind}");
    }
}

#[test]
fn devices_are_trusted_and_not_without_a_mail() {
    for kind in ["device.trusted", "device.untrusted"] {
        let data = json!({"M": {"deviceId": {"S": ID}}});
        assert_eq!(of(&event(AT, kind, data)).letters, [], "{kind}");
    }
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
    let device_id = ID.parse().unwrap();
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
            bucket: BucketKind::Session,
        },
        EventKind::MfaEnabled {
            method: Method::Totp,
        },
        EventKind::MfaDisabled { methods: vec![] },
        EventKind::RecoveryCodesMade,
        EventKind::RecoveryCodeUsed,
        EventKind::DeviceTrusted { device_id },
        EventKind::DeviceUntrusted { device_id },
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
