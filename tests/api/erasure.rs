//! `DELETE /api/auth/user`: what is left in the tables.

use latchkey_tests::{App, Call, Device, PASSWORD, at_once};
use serde_json::json;

const PATH: &str = "/api/auth/user";
const EMAIL: &str = "ada@example.com";
const NUMBER: &str = "+46701740605";

/// Every item of every table, as the SDK prints it.
pub(crate) async fn all_items(app: &App) -> Vec<(String, String)> {
    let client = aws_sdk_dynamodb::Client::new(&app.stack.aws());
    let tables = client.list_tables().send().await.unwrap();
    let mut items = Vec::new();
    for table in tables.table_names() {
        let scan = client.scan().table_name(table).consistent_read(true);
        let mut pages = scan.into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.unwrap();
            items.extend(
                page.items()
                    .iter()
                    .map(|item| (table.clone(), format!("{item:?}"))),
            );
        }
    }
    items
}

const AGENT: &str = "Analytical-Engine/1837";
const IP: &str = "203.0.113.77";

fn from_her(call: Call) -> Call {
    call.header("x-dev-client-ip", IP)
        .header("user-agent", AGENT)
}

/// Signs somebody up who gives all there is to give. The id, and their device.
async fn augusta(app: &App) -> (String, Device) {
    let body = json!({
        "name": "Augusta King",
        "email": "first@example.com",
        "password": PASSWORD,
        "username": "ada_lovelace",
        "phoneNumber": "+46701740606",
    });
    let call = from_her(app.post("/api/auth/sign-up", &body));
    let signed_up = call.send().await.json(202);
    let verify = json!({
        "code": app.mail_to("first@example.com", "verify_email").await.code(),
        "userId": signed_up["userId"],
        "tokenId": signed_up["verification"]["tokenId"],
        "email": "first@example.com",
    });
    let call = from_her(app.post("/api/auth/verify/email", &verify));
    call.send().await.expect(200);
    let sign_in =
        json!({ "email": "first@example.com", "password": PASSWORD, "tokenDelivery": "body" });
    let sign_in = || from_her(app.post("/api/auth/sign-in", &sign_in)).send();
    sign_in().await.expect(200);
    let device = Device::from(&sign_in().await.json(200));
    (signed_up["userId"].as_str().unwrap().to_owned(), device)
}

/// Does everything that one can do with an account and leaves something behind.
async fn live(app: &App, device: &Device) {
    let picture = json!({ "imageUrl": "https://example.com/augusta.png" });
    let call = app.patch("/api/auth/edit/basic", &picture);
    from_her(call.bearer(&device.access))
        .send()
        .await
        .expect(200);
    app.move_to(device, EMAIL).await;
    app.move_to_number(device, "+46701740606").await;
    app.move_to_number(device, NUMBER).await;
    app.ask_change(device, "email", "next@example.com").await;
    let body = json!({ "email": EMAIL });
    let call = from_her(app.patch("/api/auth/forgot/password", &body));
    call.send().await.expect(202);
    let call = from_her(app.post("/api/auth/generate-otp", &body));
    call.send().await.expect(202);
    let body = json!({ "password": "gravel umbrella seventeen hats", "currentPassword": PASSWORD });
    let call = app.patch("/api/auth/edit/password", &body);
    from_her(call.bearer(&device.access))
        .send()
        .await
        .expect(200);
    let call = app.get("/api/auth/user/export").bearer(&device.access);
    from_her(call).send().await.expect(200);
}

#[tokio::test]
async fn nothing_personal_is_left_in_any_table() {
    let app = App::start().await;
    let (id, device) = augusta(&app).await;
    live(&app, &device).await;
    let personal = [
        EMAIL,
        "first@example.com",
        "next@example.com",
        "Augusta",
        "ada_lovelace",
        NUMBER,
        "+46701740606",
        "augusta.png",
        IP,
        AGENT,
        "$argon2",
    ];
    app.stack.settle().await;
    let before = all_items(&app).await;
    for text in personal {
        assert!(
            before.iter().any(|(_, item)| item.contains(text)),
            "{text} was never there"
        );
    }
    from_her(app.delete(PATH).bearer(&device.access))
        .send()
        .await
        .expect(204);
    app.stack.settle().await;
    assert!(app.stack.dead_letters().is_empty());
    let after = all_items(&app).await;
    for text in personal {
        let left: Vec<_> = after
            .iter()
            .filter(|(_, item)| item.contains(text))
            .collect();
        assert!(left.is_empty(), "{text} in {left:#?}");
    }
    // What happened is still there, by ids.
    let events: Vec<_> = after
        .iter()
        .filter(|(table, item)| table.contains("events") && item.contains(&id))
        .collect();
    for kind in [
        "user.signed_up",
        "session.started",
        "user.email_changed",
        "user.deleted",
    ] {
        let of_kind = events
            .iter()
            .filter(|(_, item)| item.contains(kind))
            .count();
        assert!(of_kind >= 1, "{kind} in {events:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_at_once_the_account_goes_once() {
    let app = App::start().await;
    let ada = app.person(EMAIL).await;
    let device = app.sign_in(&ada).await;
    let calls = (0..20).map(|_| app.delete(PATH).bearer(&device.access));
    let answers = at_once(calls).await;
    let done = answers.iter().filter(|answer| answer.status == 204).count();
    assert_eq!(done, 1);
    for answer in answers {
        let status = answer.status.as_u16();
        assert!([204, 401, 409].contains(&status), "{}", answer.text);
    }
    app.stack.settle().await;
    let items = all_items(&app).await;
    let events = items
        .iter()
        .filter(|(_, item)| item.contains(&ada.id) && item.contains("user.deleted"));
    assert_eq!(events.count(), 1);
    let mails = app.mails_to(EMAIL).await;
    assert_eq!(
        mails
            .iter()
            .filter(|mail| mail.template == "account_deleted")
            .count(),
        1
    );
}

#[tokio::test]
async fn second_factors_and_trusted_devices_go_too() {
    let app = App::start().await;
    let ada = app.person(EMAIL).await;
    let device = app.sign_in(&ada).await;
    let (totp, _) = app.enable_totp(&device).await;
    let first = app.first_step(EMAIL).await;
    let body = json!({ "token": first["token"], "code": totp.code(&app), "trustDevice": true });
    let call = app.post("/api/auth/sign-in", &body);
    call.send().await.expect(200);
    let proof = json!({ "code": totp.next_code(&app).await, "methods": ["totp"] });
    app.disable(&device, &proof).await.expect(200);
    let (totp, _) = app.enable_totp(&device).await;
    let proof = json!({ "code": totp.next_code(&app).await });
    let device = Device::from(&app.step_up(&device, &proof).await.json(200));
    let rows = ["factor#totp", "factor#recovery", "trusted#"];
    let left = async || {
        let items = all_items(&app).await;
        let hers = items.into_iter().filter(|(_, item)| item.contains(&ada.id));
        let hers: Vec<_> = hers.map(|(_, item)| item).collect();
        rows.map(|row| hers.iter().filter(|item| item.contains(row)).count())
    };
    assert_eq!(left().await, [1, 1, 1]);
    app.delete(PATH)
        .bearer(&device.access)
        .send()
        .await
        .expect(204);
    app.stack.settle().await;
    assert_eq!(left().await, [0, 0, 0]);
}
