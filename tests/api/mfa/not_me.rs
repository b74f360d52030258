//! "That was not me": second factors that were set up since the change end with it.

use super::*;

const FRESH: &str = "violet tractor under seven moons";
const THIEF: &str = "mallory@example.com";

/// The thief's password, set with this step-up or none.
async fn reset(app: &App, person: &Person) -> Value {
    app.reset_password(person, FRESH).await.expect(200);
    app.advance(1).await;
    let identity = json!({ "email": person.email });
    app.try_sign_in(identity, FRESH).await.json(200)
}

#[tokio::test]
async fn what_was_set_up_since_is_gone() {
    let (app, ada, stolen) = app_with_ada().await;
    app.move_to(&stolen, THIEF).await;
    let mail = app.mail_to(EMAIL, "email_changed").await;
    let (totp, recovery) = app.enable_totp(&stolen).await;
    app.not_me(&mail).await.expect(200);
    let signed_in = reset(&app, &ada).await;
    assert_eq!(signed_in["status"], "signed_in");
    let device = Device::from(&signed_in);
    let factors = app.factors(&device).await;
    assert_eq!(factors["methods"], json!([]));
    assert_eq!(factors["recoveryCodesLeft"], 0);
    // What the thief has of them is good for nothing.
    for theirs in [totp.next_code(&app).await, recovery[0].clone()] {
        assert_eq!(app.step_up(&device, &code(&theirs)).await.status, 422);
    }
    let (_, own) = app.enable_totp(&device).await;
    assert_eq!(own.len(), 10);
    let identity = json!({ "email": EMAIL });
    let first = app.try_sign_in(identity, FRESH).await.json(200);
    for theirs in [totp.next_code(&app).await, recovery[0].clone()] {
        let answer = app.second_step(&first, &code(&theirs)).send().await;
        answer.problem(400, "code_invalid");
    }
}

#[tokio::test]
async fn what_was_there_before_stays() {
    let ada = Ada::start().await;
    let app = &ada.app;
    let stolen = ada.sign_in().await;
    app.move_to(&stolen, THIEF).await;
    let mail = app.mail_to(EMAIL, "email_changed").await;
    app.not_me(&mail).await.expect(200);
    let step = reset(app, &ada.person).await;
    assert_eq!(step["status"], "mfa_required");
    assert_eq!(step["methods"], json!(["totp"]));
    let answer = app.second_step(&step, &code(&ada.totp.next_code(app).await));
    answer.send().await.expect(200);
}
