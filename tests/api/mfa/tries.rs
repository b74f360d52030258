//! Wrong codes: one count over all factors, which locks as that of passwords does.

use super::*;

/// Sends a wrong second factor with a new ticket.
async fn wrong(ada: &Ada) -> Answer {
    ada.try_second(code(&ada.totp.wrong_code(&ada.app))).await
}

async fn lock(ada: &Ada) {
    for _ in 0..5 {
        wrong(ada).await.problem(400, "code_invalid");
    }
}

#[track_caller]
fn is_locked(answer: Answer) {
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    answer.problem(429, "account_locked");
}

const NO_CODE: &str = "0000-0000-0000-0000-0000-0000";

#[tokio::test]
async fn the_tries_that_are_left_are_told() {
    let ada = Ada::start().await;
    for left in [4, 3, 2, 1, 0] {
        let answer = wrong(&ada).await;
        assert_eq!(answer.problem(400, "code_invalid")["attemptsLeft"], left);
    }
    is_locked(wrong(&ada).await);
}

#[tokio::test]
async fn after_five_every_factor_is_locked_everywhere_and_the_owner_is_told() {
    let ada = Ada::start().await;
    let app = &ada.app;
    let device = ada.sign_in().await;
    lock(&ada).await;
    let right = || code(&ada.totp.code(app));
    let recovery = || code(&ada.recovery[0]);
    for fields in [right(), recovery()] {
        is_locked(ada.try_second(fields.clone()).await);
        is_locked(app.step_up(&device, &fields).await);
        is_locked(app.disable(&device, &fields).await);
        is_locked(app.renew_recovery_codes(&device, &fields).await);
    }
    let mails = told(app, "second_factor_locked").await;
    assert_eq!(mails.len(), 1);
    // Nothing was used up by it.
    app.advance(61).await;
    app.sign_in_with_code(EMAIL, &ada.recovery[0]).await;
}

#[tokio::test]
async fn a_wrong_code_anywhere_counts() {
    let ada = Ada::start().await;
    let app = &ada.app;
    let device = ada.sign_in().await;
    let bad = || code(&ada.totp.wrong_code(app));
    let left = |answer: Answer| answer.problem(400, "code_invalid")["attemptsLeft"].clone();
    assert_eq!(left(ada.try_second(bad()).await), 4);
    assert_eq!(left(app.step_up(&device, &bad()).await), 3);
    assert_eq!(left(app.disable(&device, &bad()).await), 2);
    assert_eq!(left(ada.try_second(code(NO_CODE)).await), 1);
    assert_eq!(left(app.renew_recovery_codes(&device, &bad()).await), 0);
    is_locked(ada.try_second(code(&ada.totp.code(app))).await);
}

#[tokio::test]
async fn codes_by_mail_have_no_tries_of_their_own_beside() {
    let ada = Ada::start().await;
    let app = &ada.app;
    let device = ada.sign_in().await;
    app.enable_by_message(&device, "email", EMAIL, "confirm_mfa_change")
        .await;
    for _ in 0..3 {
        wrong(&ada).await.problem(400, "code_invalid");
    }
    let first = app.first_step(EMAIL).await;
    let ask = json!({ "method": "email" });
    app.second_step(&first, &ask).send().await.expect(200);
    let right = app.mail_to(EMAIL, "sign_in_code").await.code();
    let bad = latchkey_tests::other_than(&right);
    for left in [1, 0] {
        let fields = json!({ "code": bad, "method": "email" });
        let answer = app.second_step(&first, &fields).send().await;
        assert_eq!(answer.problem(400, "code_invalid")["attemptsLeft"], left);
    }
    let fields = json!({ "code": right, "method": "email" });
    is_locked(app.second_step(&first, &fields).send().await);
    app.advance(61).await;
    app.second_step(&first, &fields).send().await.expect(200);
}

#[tokio::test]
async fn a_right_code_ends_the_count() {
    let ada = Ada::start().await;
    let app = &ada.app;
    for _ in 0..4 {
        wrong(&ada).await.problem(400, "code_invalid");
    }
    let device = ada.sign_in().await;
    let answer = wrong(&ada).await;
    assert_eq!(answer.problem(400, "code_invalid")["attemptsLeft"], 4);
    let proof = code(&ada.totp.next_code(app).await);
    app.step_up(&device, &proof).await.expect(200);
    let answer = wrong(&ada).await;
    assert_eq!(answer.problem(400, "code_invalid")["attemptsLeft"], 4);
}

#[tokio::test]
async fn a_right_password_does_not_end_the_count() {
    let ada = Ada::start().await;
    lock(&ada).await;
    for _ in 0..3 {
        ada.app.first_step(EMAIL).await;
    }
    is_locked(ada.try_second(code(&ada.totp.code(&ada.app))).await);
}

#[tokio::test]
async fn each_further_failure_doubles_the_lock() {
    let ada = Ada::start().await;
    lock(&ada).await;
    for wait in [60, 120, 240, 480, 900, 900] {
        ada.app.advance(wait - 5).await;
        wrong(&ada).await.problem(429, "account_locked");
        ada.app.advance(6).await;
        wrong(&ada).await.problem(400, "code_invalid");
    }
}

#[tokio::test]
async fn a_lock_of_passwords_and_one_of_factors_are_two() {
    let ada = Ada::start().await;
    let app = &ada.app;
    lock(&ada).await;
    // The password still gives a ticket; and wrong passwords lock no factor.
    app.first_step(EMAIL).await;
    app.advance(61).await;
    let first = app.first_step(EMAIL).await;
    for _ in 0..5 {
        let identity = json!({ "email": EMAIL });
        let answer = app.try_sign_in(identity, "not the password").await;
        answer.problem(401, "invalid_credentials");
    }
    let answer = app.second_step(&first, &code(&ada.totp.code(app)));
    answer.send().await.expect(200);
}

#[tokio::test]
async fn an_admin_unlocks_the_factors_too() {
    let ada = Ada::start().await;
    let app = &ada.app;
    let (_, admin) = app.first_admin().await;
    lock(&ada).await;
    let path = format!("/api/admin/users/{}/unlock", ada.person.id);
    let call = app.call(reqwest::Method::POST, &path);
    call.bearer(&admin.access).send().await.expect(200);
    let answer = ada.try_second(code(&ada.totp.code(app))).await;
    answer.expect(200);
}

#[tokio::test]
async fn many_wrong_codes_at_once_are_five() {
    let ada = Ada::start().await;
    let first = ada.app.first_step(EMAIL).await;
    let bad = code(&ada.totp.wrong_code(&ada.app));
    let calls = (0..12).map(|_| ada.app.second_step(&first, &bad));
    let answers = latchkey_tests::at_once(calls).await;
    let looked_at = answers.iter().filter(|answer| answer.status == 400);
    assert_eq!(looked_at.count(), 5);
    let locked = answers.iter().filter(|answer| answer.status == 429);
    assert_eq!(locked.count(), 7);
}

#[tokio::test]
async fn a_reset_of_the_password_gives_no_new_tries() {
    let ada = Ada::start().await;
    lock(&ada).await;
    let password = "gravel umbrella seventeen hats";
    ada.app
        .reset_password(&ada.person, password)
        .await
        .expect(200);
    let identity = json!({ "email": EMAIL });
    let first = ada.app.try_sign_in(identity, password).await.json(200);
    let right = code(&ada.totp.code(&ada.app));
    is_locked(ada.app.second_step(&first, &right).send().await);
}
