//! What a first factor gives: a ticket to the second step, and nothing else.

use latchkey_tests::{NEW_PASSWORD, PASSWORD, members};
use reqwest::Method;

use super::*;
use crate::contract::ROUTES;

#[tokio::test]
async fn a_first_factor_gives_a_ticket_and_no_session() {
    let ada = Ada::start().await;
    let body = json!({ "email": EMAIL, "password": PASSWORD });
    let answer = ada.app.post("/api/auth/sign-in", &body).send().await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.headers.get_all("set-cookie").iter().count(), 0);
    let step = answer.json(200);
    let documented = ["expiresAt", "methods", "status", "token"];
    assert_eq!(members(&step), documented);
    assert_eq!(step["status"], "mfa_required");
    assert_eq!(step["methods"], json!(["totp"]));
    let sessions = ada
        .app
        .get("/api/auth/sessions")
        .bearer(&ada.device.access)
        .send()
        .await
        .json(200);
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_same_call_with_the_ticket_and_a_code_signs_in() {
    let ada = Ada::start().await;
    let app = &ada.app;
    let first = app.first_step(EMAIL).await;
    // Fields of the first step may come along, and are not looked at.
    let fields = json!({ "code": ada.totp.code(app), "email": EMAIL, "password": "not looked at" });
    let answer = app.second_step(&first, &fields).send().await;
    let signed_in = answer.json(200);
    assert_eq!(signed_in["status"], "signed_in");
    assert_eq!(signed_in["user"]["id"], ada.person.id.as_str());
    let device = Device::from(&signed_in);
    app.me(&device.access).await.expect(200);

    // In cookies, where nothing else is asked for; and at the other path.
    let first = app.first_step(EMAIL).await;
    let code = ada.totp.next_code(app).await;
    let body = json!({ "token": first["token"], "code": code });
    let answer = app.post("/api/auth/sign-in/email", &body).send().await;
    assert!(answer.refresh_cookie().is_some());
    answer.expect(200);
}

#[tokio::test]
async fn a_ticket_opens_no_other_route() {
    let ada = Ada::start().await;
    let app = &ada.app;
    let first = app.first_step(EMAIL).await;
    let ticket = first["token"].as_str().unwrap();
    for (method, path, needs) in ROUTES {
        let path = path.replace("{id}", "01890a5d-ac96-774b-bcce-b302099a8057");
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let call = || app.call(method.clone(), &path);
        if needs {
            let answer = call().bearer(ticket).send().await;
            answer.problem(401, "unauthenticated");
            let answer = call().refresh_cookie(ticket).send().await;
            answer.problem(401, "unauthenticated");
        }
    }
    app.refresh(ticket).await.problem(401, "session_expired");
    let cookie = app.call(Method::PATCH, "/api/auth/user/refresh");
    let answer = cookie.refresh_cookie(ticket).send().await;
    answer.problem(401, "session_expired");
    let token = json!({ "token": ticket });
    for path in ["/api/auth/verify/email/link", "/api/auth/security/not-me"] {
        let answer = app.post(path, &token).send().await;
        answer.problem(400, "code_expired");
    }
    let reset = json!({ "token": ticket, "password": NEW_PASSWORD });
    let answer = app.forgot_password(&reset).await;
    answer.problem(400, "code_expired");
    // It is still what it was.
    let answer = app.second_step(&first, &code(&ada.totp.code(app)));
    answer.send().await.expect(200);
}

#[tokio::test]
async fn nothing_else_is_a_ticket() {
    let ada = Ada::start().await;
    let app = &ada.app;
    let reset = app.mailed_reset(EMAIL).await.mail;
    let others = [
        reset.link_token(),
        ada.device.access.clone(),
        ada.device.refresh.clone(),
        "x".to_owned(),
        "01890a5d-ac96-774b-bcce-b302099a8057".to_owned(),
    ];
    for token in others {
        let fields = code(&ada.totp.code(app));
        let answer = app.second_step(&json!({ "token": token }), &fields);
        answer.send().await.problem(400, "code_expired");
    }
}

#[tokio::test]
async fn a_ticket_is_good_for_five_minutes() {
    let ada = Ada::start().await;
    let app = &ada.app;
    let (early, late) = (app.first_step(EMAIL).await, app.first_step(EMAIL).await);
    app.advance(5 * 60 - 5).await;
    let in_time = app.second_step(&early, &code(&ada.totp.code(app)));
    in_time.send().await.expect(200);
    app.advance(30).await;
    let too_late = app.second_step(&late, &code(&ada.totp.code(app)));
    too_late.send().await.problem(400, "code_expired");
}

#[tokio::test]
async fn a_ticket_is_good_once() {
    let ada = Ada::start().await;
    let app = &ada.app;
    let first = app.first_step(EMAIL).await;
    let answer = app.second_step(&first, &code(&ada.totp.code(app)));
    answer.send().await.expect(200);
    let next = ada.totp.next_code(app).await;
    let again = app.second_step(&first, &code(&next)).send().await;
    again.problem(400, "code_expired");
    // The code is good with another ticket.
    app.sign_in_with_code(EMAIL, &next).await;
}

#[tokio::test]
async fn a_ticket_ends_with_the_password() {
    let ada = Ada::start().await;
    let app = &ada.app;
    let first = app.first_step(EMAIL).await;
    let person = &ada.person;
    app.reset_password(person, NEW_PASSWORD).await.expect(200);
    let answer = app.second_step(&first, &code(&ada.totp.code(app)));
    answer.send().await.problem(400, "code_expired");
}

#[tokio::test]
async fn a_ticket_ends_with_a_sign_out_everywhere() {
    let ada = Ada::start().await;
    let app = &ada.app;
    let first = app.first_step(EMAIL).await;
    let all = app.delete("/api/auth/user/logout-all");
    all.bearer(&ada.device.access).send().await.expect(204);
    let answer = app.second_step(&first, &code(&ada.totp.code(app)));
    answer.send().await.problem(400, "code_expired");
    app.advance(1).await;
    app.sign_in_with_code(EMAIL, &ada.totp.code(app)).await;
}

#[tokio::test]
async fn a_ticket_ends_with_a_block() {
    let ada = Ada::start().await;
    let app = &ada.app;
    let (_, admin) = app.first_admin().await;
    let first = app.first_step(EMAIL).await;
    let person = &ada.person;
    app.set_status(&admin, person, "blocked").await.expect(200);
    let fields = code(&ada.totp.code(app));
    let blocked = app.second_step(&first, &fields).send().await;
    assert_ne!(blocked.status, 200, "{}", blocked.text);
    app.set_status(&admin, person, "active").await.expect(200);
    let over = app.second_step(&first, &fields).send().await;
    over.problem(400, "code_expired");
    app.advance(1).await;
    app.sign_in_with_code(EMAIL, &ada.totp.code(app)).await;
}

#[tokio::test]
async fn a_ticket_is_good_for_the_user_that_it_was_given_to_alone() {
    let ada = Ada::start().await;
    let app = &ada.app;
    let (_, totp, recovery) = ada.eve().await;
    let victim = app.first_step(EMAIL).await;
    let own = [totp.code(app), recovery[0].clone()];
    for mine in own {
        let answer = app.second_step(&victim, &code(&mine)).send().await;
        answer.problem(400, "code_invalid");
    }
    let answer = app.second_step(
        &victim,
        &json!({ "code": totp.code(app), "email": "eve@example.com" }),
    );
    answer.send().await.problem(400, "code_invalid");
    app.sign_in_with_code("eve@example.com", &totp.code(app))
        .await;
}

#[tokio::test]
async fn who_is_signed_in_takes_no_second_step() {
    let ada = Ada::start().await;
    let first = ada.app.first_step(EMAIL).await;
    let call = ada.app.second_step(&first, &code(&ada.totp.code(&ada.app)));
    let answer = call.bearer(&ada.device.access).send().await;
    answer.problem(403, "already_signed_in");
}
