//! Each request that changes something, with each of its calls disturbed: see [`crate::sweep`].

use latchkey_tests::{Answer, App, Client, Device, NEW_PASSWORD, PASSWORD, Pending, Person};
use serde_json::{Value, json};

use crate::sweep::Sweep;
use crate::tables::Tables;

const EMAIL: &str = "ada@example.com";
const NEW_EMAIL: &str = "ada@example.net";

/// After the change there is no session to send it again from.
const SIGNED_OUT: &[(u16, &str)] = &[(401, "unauthenticated")];
/// The code was used by the request that was cut off.
const USED: &[(u16, &str)] = &[(400, "code_expired")];

/// Somebody signed in on two devices.
async fn on_two_devices(app: &App) -> (Person, [Device; 2]) {
    let ada = app.person(EMAIL).await;
    let devices = [app.sign_in(&ada).await, app.sign_in(&ada).await];
    (ada, devices)
}

async fn claim_password(app: &App, email: &str, now: &str, before: &str) {
    assert!(app.opens(email, now).await);
    assert!(!app.opens(email, before).await);
}

async fn claim_on(app: &App, device: &Device) {
    app.me(&device.access).await.expect(200);
    app.refresh(&device.refresh).await.expect(200);
}

#[tokio::test]
async fn a_sign_up_converges() {
    let body = json!({
        "name": "Ada Lovelace",
        "email": EMAIL,
        "password": PASSWORD,
        "phoneNumber": "+46701740605",
    });
    Sweep {
        prepare: async |_: &App| {},
        request: |client: &Client, (): &()| client.post("/api/auth/sign-up", &body),
        status: 202,
        done_already: &[],
        lost: &[],
        check: async |app: &App, (): &(), answer: &Answer| {
            let answer: Value = serde_json::from_str(&answer.text).unwrap();
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let pending = Pending {
                email: EMAIL.to_owned(),
                user_id: text(&answer["userId"]),
                token_id: text(&answer["verification"]["tokenId"]),
            };
            let code = app.code_of(&pending).await;
            app.try_code(&pending, &code).await.expect(200);
            assert!(app.opens(EMAIL, PASSWORD).await);
        },
    }
    .run()
    .await;
}

#[tokio::test]
async fn a_sign_up_with_a_username_converges() {
    let body = json!({
        "name": "Ada Lovelace",
        "email": EMAIL,
        "password": PASSWORD,
        "username": "ada_lovelace",
    });
    Sweep {
        prepare: async |_: &App| {},
        request: |client: &Client, (): &()| client.post("/api/auth/sign-up", &body),
        status: 202,
        // The sign-up that was cut off has the name, and its mail was sent.
        done_already: &[(409, "username_taken")],
        lost: &[],
        check: async |app: &App, (): &(), _: &Answer| {
            let mail = app.mail_to(EMAIL, "verify_email").await;
            let link = json!({ "token": mail.link_token() });
            app.post("/api/auth/verify/email/link", &link)
                .send()
                .await
                .expect(200);
            assert!(app.opens(EMAIL, PASSWORD).await);
        },
    }
    .run()
    .await;
}

#[tokio::test]
async fn a_verification_by_code_converges() {
    Sweep {
        prepare: async |app: &App| {
            let pending = app.sign_up(EMAIL).await;
            let code = app.code_of(&pending).await;
            json!({
                "code": code,
                "userId": pending.user_id,
                "tokenId": pending.token_id,
                "email": EMAIL,
            })
        },
        request: |client: &Client, body: &Value| client.post("/api/auth/verify/email", body),
        status: 200,
        done_already: USED,
        lost: &[],
        check: async |app: &App, _: &Value, _: &Answer| {
            assert!(app.opens(EMAIL, PASSWORD).await);
        },
    }
    .run()
    .await;
}

#[tokio::test]
async fn a_verification_by_link_converges() {
    Sweep {
        prepare: async |app: &App| {
            app.sign_up(EMAIL).await;
            let mail = app.mail_to(EMAIL, "verify_email").await;
            json!({ "token": mail.link_token() })
        },
        request: |client: &Client, body: &Value| client.post("/api/auth/verify/email/link", body),
        status: 200,
        done_already: USED,
        lost: &[],
        check: async |app: &App, _: &Value, _: &Answer| {
            assert!(app.opens(EMAIL, PASSWORD).await);
        },
    }
    .run()
    .await;
}

#[tokio::test]
async fn a_verification_by_one_time_code_converges() {
    Sweep {
        prepare: async |app: &App| {
            app.sign_up(EMAIL).await;
            app.ask_otp(&json!({ "email": EMAIL })).await.expect(202);
            let code = app.mail_to(EMAIL, "otp").await.code();
            json!({ "email": EMAIL, "otp": code })
        },
        request: |client: &Client, body: &Value| client.post("/api/auth/verify-otp", body),
        status: 200,
        done_already: USED,
        lost: &[],
        check: async |app: &App, _: &Value, _: &Answer| {
            assert!(app.opens(EMAIL, PASSWORD).await);
        },
    }
    .run()
    .await;
}

#[tokio::test]
async fn a_sign_in_converges() {
    let body = json!({ "email": EMAIL, "password": PASSWORD, "tokenDelivery": "body" });
    Sweep {
        prepare: async |app: &App| app.person(EMAIL).await,
        request: |client: &Client, _: &Person| client.post("/api/auth/sign-in", &body),
        status: 200,
        done_already: &[],
        lost: &[],
        check: async |app: &App, _: &Person, answer: &Answer| {
            let answer: Value = serde_json::from_str(&answer.text).unwrap();
            claim_on(app, &Device::from(&answer)).await;
        },
    }
    .run()
    .await;
}

#[tokio::test]
async fn a_refresh_converges() {
    Sweep {
        prepare: async |app: &App| on_two_devices(app).await.1,
        request: |client: &Client, [device, _]: &[Device; 2]| {
            let body = json!({ "refreshToken": device.refresh });
            client.patch("/api/auth/user/refresh", &body)
        },
        status: 200,
        // Never: a lost answer signs nobody out.
        done_already: &[],
        lost: &[],
        check: async |app: &App, [_, other]: &[Device; 2], answer: &Answer| {
            let answer: Value = serde_json::from_str(&answer.text).unwrap();
            claim_on(app, &Device::from(&answer)).await;
            claim_on(app, other).await;
        },
    }
    .run()
    .await;
}

#[tokio::test]
async fn a_logout_converges() {
    Sweep {
        prepare: async |app: &App| on_two_devices(app).await.1,
        request: |client: &Client, [device, _]: &[Device; 2]| {
            let call = client.delete("/api/auth/user/logout");
            call.bearer(&device.access)
        },
        status: 204,
        done_already: SIGNED_OUT,
        lost: &[],
        check: async |app: &App, [device, other]: &[Device; 2], _: &Answer| {
            app.claim_over(device).await;
            claim_on(app, other).await;
        },
    }
    .run()
    .await;
}

#[tokio::test]
async fn a_logout_everywhere_converges() {
    Sweep {
        prepare: async |app: &App| on_two_devices(app).await.1,
        request: |client: &Client, [device, _]: &[Device; 2]| {
            let call = client.delete("/api/auth/user/logout-all");
            call.bearer(&device.access)
        },
        status: 204,
        done_already: SIGNED_OUT,
        lost: &[],
        check: async |app: &App, devices: &[Device; 2], _: &Answer| {
            for device in devices {
                app.claim_over(device).await;
            }
        },
    }
    .run()
    .await;
}

#[tokio::test]
async fn asking_for_a_reset_converges() {
    let body = json!({ "email": EMAIL });
    Sweep {
        prepare: async |app: &App| on_two_devices(app).await.1,
        request: |client: &Client, _: &[Device; 2]| {
            client.patch("/api/auth/forgot/password", &body)
        },
        status: 202,
        done_already: &[],
        lost: &[],
        check: async |app: &App, devices: &[Device; 2], _: &Answer| {
            let mail = app.mail_to(EMAIL, "reset_password").await;
            let body = json!({ "token": mail.link_token(), "password": NEW_PASSWORD });
            app.forgot_password(&body).await.expect(200);
            claim_password(app, EMAIL, NEW_PASSWORD, PASSWORD).await;
            for device in devices {
                app.claim_over(device).await;
            }
        },
    }
    .run()
    .await;
}

#[tokio::test]
async fn a_reset_by_code_converges() {
    Sweep {
        prepare: async |app: &App| {
            let (_, devices) = on_two_devices(app).await;
            let mailed = app.mailed_reset(EMAIL).await;
            let body = mailed.with(json!({ "email": EMAIL, "password": NEW_PASSWORD }));
            (body, devices)
        },
        request: |client: &Client, (body, _): &(Value, [Device; 2])| {
            client.patch("/api/auth/forgot/password", body)
        },
        status: 200,
        done_already: USED,
        lost: &[],
        check: async |app: &App, (_, devices): &(Value, [Device; 2]), _: &Answer| {
            claim_password(app, EMAIL, NEW_PASSWORD, PASSWORD).await;
            for device in devices {
                app.claim_over(device).await;
            }
        },
    }
    .run()
    .await;
}

#[tokio::test]
async fn a_new_password_converges() {
    let body = json!({ "password": NEW_PASSWORD, "currentPassword": PASSWORD });
    Sweep {
        prepare: async |app: &App| on_two_devices(app).await.1,
        request: |client: &Client, [device, _]: &[Device; 2]| {
            let call = client.patch("/api/auth/edit/password", &body);
            call.bearer(&device.access)
        },
        status: 200,
        // The current password is the new one by now.
        done_already: &[(401, "invalid_credentials")],
        lost: &[],
        check: async |app: &App, [device, other]: &[Device; 2], _: &Answer| {
            claim_password(app, EMAIL, NEW_PASSWORD, PASSWORD).await;
            claim_on(app, device).await;
            app.claim_over(other).await;
        },
    }
    .run()
    .await;
}

#[tokio::test]
async fn asking_for_another_address_converges() {
    let body = json!({ "email": NEW_EMAIL });
    Sweep {
        prepare: async |app: &App| on_two_devices(app).await.1,
        request: |client: &Client, [device, _]: &[Device; 2]| {
            let call = client.patch("/api/auth/edit/email", &body);
            call.bearer(&device.access)
        },
        status: 202,
        done_already: &[],
        lost: &[],
        check: async |app: &App, [device, _]: &[Device; 2], answer: &Answer| {
            let answer: Value = serde_json::from_str(&answer.text).unwrap();
            let token = answer["tokenId"].as_str().unwrap();
            let code = app.mail_to(NEW_EMAIL, "change_email").await.code();
            let moved = app.try_change(device, "email", NEW_EMAIL, token, &code);
            moved.await.expect(200);
            assert!(app.opens(NEW_EMAIL, PASSWORD).await);
        },
    }
    .run()
    .await;
}

#[tokio::test]
async fn a_move_to_another_address_converges() {
    Sweep {
        prepare: async |app: &App| {
            let (_, devices) = on_two_devices(app).await;
            let token = app.ask_change(&devices[0], "email", NEW_EMAIL).await;
            let code = app.mail_to(NEW_EMAIL, "change_email").await.code();
            let body = json!({ "email": NEW_EMAIL, "tokenId": token, "code": code });
            (body, devices)
        },
        request: |client: &Client, (body, [device, _]): &(Value, [Device; 2])| {
            let call = client.patch("/api/auth/edit/email", body);
            call.bearer(&device.access)
        },
        status: 200,
        // It is the account's address by now.
        done_already: &[(422, "unchanged")],
        lost: &[],
        check: async |app: &App, (_, devices): &(Value, [Device; 2]), _: &Answer| {
            assert!(app.opens(NEW_EMAIL, PASSWORD).await);
            assert!(!app.opens(EMAIL, PASSWORD).await);
            for device in devices {
                claim_on(app, device).await;
            }
            // The old address is told, and can take it back.
            let told = app.mail_to(EMAIL, "email_changed").await;
            app.not_me(&told).await.expect(200);
        },
    }
    .run()
    .await;
}

#[tokio::test]
async fn a_step_up_converges() {
    let body = json!({ "password": PASSWORD, "tokenDelivery": "body" });
    Sweep {
        prepare: async |app: &App| {
            let (_, devices) = on_two_devices(app).await;
            devices
        },
        request: |client: &Client, [device, _]: &[Device; 2]| {
            let call = client.post("/api/auth/step-up", &body);
            call.bearer(&device.access)
        },
        status: 200,
        done_already: &[],
        lost: &[],
        check: async |app: &App, [device, _]: &[Device; 2], answer: &Answer| {
            let answer: Value = serde_json::from_str(&answer.text).unwrap();
            let stepped = Device::from(&answer);
            assert_eq!(stepped.session_id, device.session_id);
            claim_on(app, &stepped).await;
        },
    }
    .run()
    .await;
}

#[tokio::test]
async fn a_deletion_converges() {
    let body = json!({ "currentPassword": PASSWORD });
    Sweep {
        prepare: async |app: &App| on_two_devices(app).await,
        request: |client: &Client, (_, [device, _]): &(Person, [Device; 2])| {
            let call = client.delete("/api/auth/user").json(&body);
            call.bearer(&device.access)
        },
        status: 204,
        done_already: SIGNED_OUT,
        lost: &[],
        check: async |app: &App, (ada, devices): &(Person, [Device; 2]), _: &Answer| {
            assert!(!app.opens(EMAIL, PASSWORD).await);
            for device in devices {
                app.claim_over(device).await;
            }
            let tables = Tables::of(app).await;
            assert_eq!(tables.events(&ada.id, "user.deleted").count(), 1);
            assert_ne!(
                app.mails_to(EMAIL).await.pop().unwrap().template,
                "verify_email"
            );
            // The address is free again.
            app.person(EMAIL).await;
        },
    }
    .run()
    .await;
}
