//! Sign-ups with what somebody has already: nobody learns it but the owner of the address.

use std::collections::HashSet;

use latchkey_tests::{Answer, App, PASSWORD, Pending, at_once};
use serde_json::{Value, json};

use super::{PATHS, PENDING_LIFE, minimal};

/// The whole answer, without what differs between any two sign-ups: ids and times.
fn shape(answer: &Answer) -> String {
    let body: Value = serde_json::from_str(&answer.text).unwrap();
    let mut text = answer.text.clone();
    for value in [
        &body["userId"],
        &body["verification"]["tokenId"],
        &body["verification"]["expiresAt"],
    ] {
        text = text.replace(value.as_str().unwrap(), "…");
    }
    // A time may have a digit less than another, so the length may differ too.
    let individual = ["x-request-id", "date", "content-length"];
    let mut headers: Vec<String> = answer
        .headers
        .iter()
        .filter(|(name, _)| !individual.contains(&name.as_str()))
        .map(|(name, value)| format!("{name}: {value:?}"))
        .collect();
    headers.sort();
    format!("{} {headers:?} {text}", answer.status)
}

/// All that a sign-up can say.
fn full(email: &str, username: &str, phone_number: &str) -> Value {
    let mut body = minimal(email);
    body["username"] = json!(username);
    body["phoneNumber"] = json!(phone_number);
    body
}

/// A code that is not the right one.
fn wrong(right: &str) -> &'static str {
    if right == "111111" {
        "222222"
    } else {
        "111111"
    }
}

/// Tries a wrong code until it is dead, and gives what each answer says.
async fn exhaust(app: &App, pending: &Pending, code: &str) -> Vec<String> {
    let mut answers = Vec::new();
    for _ in 0..7 {
        let answer = app.try_code(pending, code).await;
        let mut body: Value = serde_json::from_str(&answer.text).unwrap();
        body["requestId"] = Value::Null;
        answers.push(format!("{} {body}", answer.status));
    }
    answers
}

#[tokio::test]
async fn a_taken_address_is_answered_just_as_a_free_one() {
    for path in PATHS {
        let app = App::start().await;
        let free = app.post(path, &minimal("ada@example.com")).send().await;
        let pending = app.post(path, &minimal("ada@example.com")).send().await;
        assert_eq!(shape(&free), shape(&pending));

        app.person("eve@example.com").await;
        let taken = app.post(path, &full("eve@example.com", "eve", "+46701740605"));
        let taken = taken.send().await;
        let free = app.post(path, &full("eva@example.com", "eva", "+447400123456"));
        let free = free.send().await;
        assert_eq!(shape(&free), shape(&taken));
        assert_eq!(taken.status, 202);

        // The ids are new each time and of one kind.
        let mut ids = HashSet::new();
        for answer in [&free, &pending, &taken] {
            let body: Value = serde_json::from_str(&answer.text).unwrap();
            for id in [&body["userId"], &body["verification"]["tokenId"]] {
                let id = id.as_str().unwrap();
                assert_eq!((id.len(), &id[14..15]), (36, "7"), "{id}");
                assert!(ids.insert(id.to_owned()));
            }
        }
    }
}

#[tokio::test]
async fn the_work_for_a_taken_address_is_that_for_a_free_one() {
    let app = App::start().await;
    app.person("ada@example.com").await;
    let mut work = Vec::new();
    for (email, username) in [("ada@example.com", "first"), ("eve@example.com", "second")] {
        let _ = app.stack.calls().take();
        let body = full(email, username, "+46701740605");
        app.post(PATHS[0], &body).send().await.expect(202);
        let calls = app.stack.calls().take();
        let operations: Vec<String> = calls.dynamodb.into_iter().map(|c| c.operation).collect();
        work.push((operations, calls.cache));
        app.advance(PENDING_LIFE).await;
    }
    assert_eq!(work[0], work[1]);
}

#[tokio::test]
async fn the_owner_of_a_taken_address_is_told() {
    let app = App::start().await;
    app.person("Ada@example.com").await;
    let before = app.inbox().await.len();
    app.sign_up("ADA@EXAMPLE.COM").await;
    let mails = app.inbox().await;
    let [mail] = &mails[before..] else {
        panic!("{mails:?}");
    };
    // To the address that its owner gave, not as somebody else typed it.
    assert_eq!(mail.to, "Ada@example.com");
    assert_eq!(mail.template, "sign_up_repeated");
    for part in [&mail.subject, &mail.text, &mail.html] {
        assert!(!part.contains("token="), "{part}");
    }
}

#[tokio::test]
async fn nobody_verifies_the_password_of_whoever_signed_up_before_them() {
    let app = App::start().await;
    let email = "ada@example.com";
    let mallorys = json!({ "password": "somebody was here first", "name": "Mallory" });
    let mallory = app.sign_up_with(email, &mallorys).await;
    let mallorys_mail = app.mail_to(email, "verify_email").await;
    // Ada signs up a while later, and uses the mail that she then gets.
    let ada = app.sign_up(email).await;
    let code = app.code_of(&ada).await;
    let verified = app.try_code(&ada, &code).await.json(200);
    assert_eq!(verified["user"]["name"], "Ada Lovelace");

    let identity = json!({ "email": email });
    let signed_in = app.try_sign_in(identity.clone(), PASSWORD).await.json(200);
    assert_eq!(signed_in["user"]["id"], ada.user_id.as_str());
    app.try_sign_in(identity, "somebody was here first")
        .await
        .problem(401, "invalid_credentials");
    // What was mailed for the other sign-up is worth nothing by now.
    app.try_code(&mallory, &mallorys_mail.code())
        .await
        .problem(400, "code_expired");
    let link = json!({ "token": mallorys_mail.link_token() });
    app.post("/api/auth/verify/email/link", &link)
        .send()
        .await
        .problem(400, "code_expired");
}

#[tokio::test]
async fn the_first_of_two_sign_ups_is_as_good_as_the_second() {
    let app = App::start().await;
    let first = app.sign_up("ada@example.com").await;
    let code = app.code_of(&first).await;
    let second = app.sign_up("ada@example.com").await;
    app.try_code(&first, &code).await.expect(200);
    let code = app.code_of(&second).await;
    app.try_code(&second, &code)
        .await
        .problem(400, "code_expired");
}

#[tokio::test]
async fn a_mail_asked_for_again_opens_the_account_of_whoever_types_its_code() {
    let app = App::start().await;
    let ada = app.sign_up("ada@example.com").await;
    app.sign_up_with("ada@example.com", &json!({ "name": "Mallory" }))
        .await;
    let body = json!({ "email": "ada@example.com" });
    let again = app.post("/api/auth/resend/verify/email", &body);
    let again = again.send().await.json(202);
    let ada = Pending {
        token_id: again["tokenId"].as_str().unwrap().to_owned(),
        ..ada
    };
    let code = app.code_of(&ada).await;
    let verified = app.try_code(&ada, &code).await.json(200);
    assert_eq!(verified["user"]["id"], ada.user_id.as_str());
    assert_eq!(verified["user"]["name"], "Ada Lovelace");
}

#[tokio::test]
async fn several_sign_ups_get_no_more_tries_of_one_code() {
    let app = App::start().await;
    let ada = app.sign_up("ada@example.com").await;
    let body = json!({ "email": "ada@example.com" });
    let again = app.post("/api/auth/resend/verify/email", &body);
    let again = again.send().await.json(202);
    let token_id = again["tokenId"].as_str().unwrap().to_owned();
    let code = app.code_of(&ada).await;
    for n in 0..6 {
        let mallory = app.sign_up("ada@example.com").await;
        let mallory = Pending {
            token_id: token_id.clone(),
            ..mallory
        };
        let expected = if n < 5 {
            "code_invalid"
        } else {
            "code_expired"
        };
        let guess = if n < 5 { wrong(&code) } else { &code };
        app.try_code(&mallory, guess).await.problem(400, expected);
    }
}

#[tokio::test]
async fn a_decoy_counts_wrong_codes_down_as_a_real_sign_up_does() {
    let app = App::start().await;
    let real = app.sign_up("ada@example.com").await;
    let code = app.code_of(&real).await;
    let of_pending = app.sign_up("ada@example.com").await;
    app.person("eve@example.com").await;
    let of_verified = app.sign_up("eve@example.com").await;

    let expected = exhaust(&app, &real, wrong(&code)).await;
    for (index, answer) in expected.iter().enumerate() {
        let claim = match index {
            0..5 => format!("\"attemptsLeft\":{}", 4 - index),
            _ => "code_expired".to_owned(),
        };
        assert!(answer.contains(&claim), "{index}: {answer}");
        assert_eq!(answer.contains("code_invalid"), index < 5, "{answer}");
    }
    // Not even the code that is right for the account makes a difference.
    assert_eq!(exhaust(&app, &of_pending, &code).await, expected);
    assert_eq!(exhaust(&app, &of_verified, wrong(&code)).await, expected);
}

#[tokio::test]
async fn a_decoy_runs_out_of_time_as_a_real_sign_up_does() {
    let app = App::start().await;
    app.person("ada@example.com").await;
    let decoy = app.sign_up("ada@example.com").await;
    app.advance(590).await;
    app.try_code(&decoy, "111111")
        .await
        .problem(400, "code_invalid");
    app.advance(10).await;
    app.try_code(&decoy, "111111")
        .await
        .problem(400, "code_expired");
}

#[tokio::test]
async fn a_code_is_good_for_its_own_token_and_address_alone() {
    let app = App::start().await;
    let ada = app.sign_up("ada@example.com").await;
    let code = app.code_of(&ada).await;
    let again = app.sign_up("ada@example.com").await;
    let eve = app.sign_up("eve@example.com").await;
    for (user_id, token_id) in [
        (&again.user_id, &again.token_id),
        (&ada.user_id, &again.token_id),
        (&eve.user_id, &ada.token_id),
        (&ada.user_id, &eve.token_id),
    ] {
        let mixed = Pending {
            email: ada.email.clone(),
            user_id: user_id.clone(),
            token_id: token_id.clone(),
        };
        app.try_code(&mixed, &code).await.expect(400);
    }
    app.try_code(&ada, &code).await.expect(200);
}

#[tokio::test]
async fn signing_in_before_verifying_tells_nothing_of_the_address() {
    let app = App::start().await;
    app.person("taken@example.com").await;
    let mut answers = Vec::new();
    for email in ["taken@example.com", "free@example.com"] {
        let password = "quite another pass phrase";
        app.sign_up_with(email, &json!({ "password": password }))
            .await;
        let answer = app.try_sign_in(json!({ "email": email }), password).await;
        let mut body: Value = serde_json::from_str(&answer.text).unwrap();
        body["requestId"] = Value::Null;
        answers.push((answer.status, body));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0].0, 401);
}

#[tokio::test]
async fn a_repeated_sign_up_changes_nothing_of_the_account() {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let device = app.sign_in(&ada).await;
    let before = app.me(&device.access).await.json(200);
    let mut body = full("ADA@example.com", "mallory", "+46701740605");
    body["name"] = json!("Mallory");
    body["password"] = json!("quite another pass phrase");
    app.post(PATHS[0], &body).send().await.expect(202);

    let after = app.me(&device.access).await.json(200);
    assert_eq!(before["user"], after["user"]);
    let identity = json!({ "email": "ada@example.com" });
    app.try_sign_in(identity.clone(), "quite another pass phrase")
        .await
        .problem(401, "invalid_credentials");
    app.try_sign_in(identity, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn a_taken_username_is_said_to_be_taken() {
    let app = App::start().await;
    app.person_with("ada@example.com", &json!({ "username": "Ada" }))
        .await;
    app.sign_up_with("eve@example.com", &json!({ "username": "eve" }))
        .await;
    // Held by a sign-up for a taken address, which can never be verified: as good as any.
    app.sign_up_with("ada@example.com", &json!({ "username": "decoy" }))
        .await;
    for username in ["Ada", "ada", "ADA", "eve", "EVE", "decoy", "Decoy"] {
        let mut body = minimal("new@example.com");
        body["username"] = json!(username);
        for path in PATHS {
            let answer = app.post(path, &body).send().await;
            answer.problem(409, "username_taken");
        }
    }
    assert!(app.mails_to("new@example.com").await.is_empty());
    app.sign_up("new@example.com").await;
    assert_eq!(app.mails_to("new@example.com").await.len(), 1);
}

#[tokio::test]
async fn a_taken_username_comes_before_a_taken_address() {
    let app = App::start().await;
    app.person_with("ada@example.com", &json!({ "username": "ada" }))
        .await;
    for email in ["ada@example.com", "free@example.com"] {
        let mut body = minimal(email);
        body["username"] = json!("ada");
        let answer = app.post(PATHS[0], &body).send().await;
        answer.problem(409, "username_taken");
    }
}

#[tokio::test]
async fn a_taken_phone_number_is_answered_just_as_a_free_one() {
    let app = App::start().await;
    let phone = |number: &str| json!({ "phoneNumber": number });
    let number = phone("+46701740605");
    let ada = app.person_with("ada@example.com", &number).await;
    let taken = app.post(PATHS[0], &full("b@example.com", "bbb", "+46701740605"));
    let taken = taken.send().await;
    let free = app.post(PATHS[0], &full("b@example.net", "ccc", "+447400123456"));
    let free = free.send().await;
    assert_eq!(
        shape(&taken),
        shape(&free).replace("b***@e***.net", "b***@e***.com")
    );

    // Both can be verified; who had the number still signs in with it.
    app.person_with("c@example.com", &phone("+46701740605"))
        .await;
    let identity = json!({ "phoneNumber": "+46701740605" });
    let signed_in = app.try_sign_in(identity, PASSWORD).await.json(200);
    assert_eq!(signed_in["user"]["id"], ada.id.as_str());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_sign_ups_at_once_for_one_address_one_can_be_verified() {
    let app = App::start().await;
    let variants = ["ada@example.com", "Ada@example.com", "ADA@Example.COM"];
    let calls = (0..20).map(|n| app.post(PATHS[n % 2], &minimal(variants[n % 3])));
    for answer in at_once(calls).await {
        answer.expect(202);
    }
    // And the mailbox is not filled by it.
    let mails = app.inbox().await;
    assert_eq!(mails.len(), 5);
    let links: Vec<Value> = mails
        .iter()
        .map(|mail| json!({ "token": mail.link_token() }))
        .collect();
    let calls = links
        .iter()
        .map(|link| app.post("/api/auth/verify/email/link", link));
    let mut verified = 0;
    for answer in at_once(calls).await {
        if answer.status == 200 {
            verified += 1;
        } else {
            answer.problem(400, "code_expired");
        }
    }
    assert_eq!(verified, 1);
    let identity = json!({ "email": "ada@example.com" });
    app.try_sign_in(identity, PASSWORD).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_sign_ups_at_once_for_one_username_one_gets_it() {
    let app = App::start().await;
    let calls = (0..20).map(|n| {
        let mut body = minimal(&format!("ada{n}@example.com"));
        body["username"] = json!(if n % 2 == 0 { "ada" } else { "ADA" });
        app.post(PATHS[0], &body)
    });
    let (got, refused): (Vec<_>, Vec<_>) = at_once(calls)
        .await
        .into_iter()
        .partition(|answer| answer.status == 202);
    assert_eq!((got.len(), refused.len()), (1, 19));
    for answer in refused {
        answer.problem(409, "username_taken");
    }
    assert_eq!(app.inbox().await.len(), 1);
}
