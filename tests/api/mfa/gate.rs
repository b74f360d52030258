//! Every way to sign in comes to the same gate, whatever stands in the way.

use latchkey_tests::{Ceremony, PASSWORD, Passkey};

use super::*;

/// The ways to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Email,
    EmailPath,
    Username,
    Phone,
    CountryCode,
    Identifier,
    Passkey,
}

const WAYS: [Way; 7] = [
    Way::Email,
    Way::EmailPath,
    Way::Username,
    Way::Phone,
    Way::CountryCode,
    Way::Identifier,
    Way::Passkey,
];

/// Somebody whom every way leads to.
struct Somebody {
    app: App,
    person: Person,
    device: Device,
    passkey: Passkey,
}

impl Somebody {
    async fn on(app: App, email: &str) -> Self {
        let more = json!({ "username": "ada", "phoneNumber": NUMBER });
        let person = app.person_with(email, &more).await;
        let device = app.sign_in(&person).await;
        app.move_to_number(&device, NUMBER).await;
        let passkey = app.register_passkey(&device).await;
        Self {
            app,
            person,
            device,
            passkey,
        }
    }

    /// What a right proof by this way is answered, for somebody who comes from far away.
    async fn enter(&self, way: Way) -> Answer {
        let (path, mut body) = match way {
            Way::Email => ("/api/auth/sign-in", json!({ "email": self.person.email })),
            Way::EmailPath => (
                "/api/auth/sign-in/email",
                json!({ "email": self.person.email }),
            ),
            Way::Username => ("/api/auth/sign-in", json!({ "username": "ada" })),
            Way::Phone => ("/api/auth/sign-in", json!({ "phoneNumber": NUMBER })),
            Way::CountryCode => (
                "/api/auth/sign-in",
                json!({ "countryCode": "+46", "mobile": "701740605" }),
            ),
            Way::Identifier => (
                "/api/auth/sign-in",
                json!({ "identifier": self.person.email }),
            ),
            Way::Passkey => {
                let options = self.app.passkey_request().await;
                let signed = self.passkey.sign_with(&options, &Ceremony::default());
                let call = self.app.passkey_sign_in(&signed);
                return call.header("x-dev-client-ip", FAR).send().await;
            }
        };
        body["password"] = json!(PASSWORD);
        body["tokenDelivery"] = json!("body");
        let call = self.app.post(path, &body);
        call.header("x-dev-client-ip", FAR).send().await
    }
}

const FAR: &str = "198.51.100.7";

#[tokio::test]
async fn an_active_account_is_open_to_each() {
    let ada = Somebody::on(App::start().await, EMAIL).await;
    for way in WAYS {
        let answer = ada.enter(way).await.json(200);
        assert_eq!(answer["status"], "signed_in", "{way:?}");
        let claims = Device::from(&answer).claims();
        let (acr, amr) = match way {
            Way::Passkey => ("aal2", json!(["pop", "user", "mfa"])),
            _ => ("aal1", json!(["pwd"])),
        };
        assert_eq!(
            (&claims["acr"], &claims["amr"]),
            (&json!(acr), &amr),
            "{way:?}"
        );
    }
}

#[tokio::test]
async fn a_second_factor_is_asked_of_each_that_is_one_factor() {
    let ada = Somebody::on(App::start().await, EMAIL).await;
    let (totp, _) = ada.app.enable_totp(&ada.device).await;
    for way in WAYS {
        let answer = ada.enter(way).await.json(200);
        if way == Way::Passkey {
            assert_eq!(answer["status"], "signed_in");
            assert_eq!(Device::from(&answer).claims()["acr"], "aal2");
            continue;
        }
        assert_eq!(answer["status"], "mfa_required", "{way:?}");
        assert!(answer["accessToken"].is_null() && answer["refreshToken"].is_null());
        let right = code(&totp.next_code(&ada.app).await);
        let second = ada.app.second_step(&answer, &right).send().await;
        let device = Device::from(&second.json(200));
        assert_eq!(device.claims()["acr"], "aal2", "{way:?}");
    }
}

#[tokio::test]
async fn an_account_that_is_not_active_is_shut_to_each_with_and_without_a_second_factor() {
    for second_factor in [false, true] {
        let app = App::start().await;
        let (_, admin) = app.first_admin().await;
        let ada = Somebody::on(app, EMAIL).await;
        if second_factor {
            ada.app.enable_totp(&ada.device).await;
        }
        for status in [
            "blocked",
            "paused",
            "deactivated",
            "banned",
            "security_issue",
        ] {
            let moved = ada.app.set_status(&admin, &ada.person, status).await;
            moved.expect(200);
            for way in WAYS {
                let answer = ada.enter(way).await;
                assert_eq!(answer.status, 403, "{status} {way:?}: {}", answer.text);
                assert_eq!(answer.headers.get_all("set-cookie").iter().count(), 0);
                answer.problem(403, &format!("account_{status}"));
            }
            let moved = ada.app.set_status(&admin, &ada.person, "active").await;
            moved.expect(200);
            ada.app.advance(1).await;
        }
    }
}

#[tokio::test]
async fn an_account_that_is_gone_is_nobodys() {
    let ada = Somebody::on(App::start().await, EMAIL).await;
    let call = ada.app.delete("/api/auth/user");
    call.bearer(&ada.device.access).send().await.expect(204);
    for way in WAYS {
        let answer = ada.enter(way).await;
        answer.problem(401, "invalid_credentials");
    }
}

#[tokio::test]
async fn a_lock_holds_for_each_with_and_without_a_second_factor() {
    for second_factor in [false, true] {
        let ada = Somebody::on(App::start().await, EMAIL).await;
        if second_factor {
            ada.app.enable_totp(&ada.device).await;
        }
        for _ in 0..5 {
            let body = json!({ "email": EMAIL, "password": "not the password" });
            let call = ada.app.post("/api/auth/sign-in", &body);
            let wrong = call.header("x-dev-client-ip", FAR).send().await;
            wrong.problem(401, "invalid_credentials");
        }
        for way in WAYS {
            let answer = ada.enter(way).await;
            assert_eq!(answer.status, 429, "{way:?}: {}", answer.text);
            answer.problem(429, "account_locked");
        }
    }
}

#[tokio::test]
async fn an_admin_acts_by_two_factors_however_they_came() {
    let app = App::with(&[("ADMIN_MFA", "required")]).await;
    let admin = Somebody::on(app, "admin@latchkey.local").await;
    let plans = async |device: &Device| {
        let call = admin.app.get("/api/admin/plans").bearer(&device.access);
        call.send().await
    };
    for way in WAYS {
        let device = Device::from(&admin.enter(way).await.json(200));
        let answer = plans(&device).await;
        match way {
            Way::Passkey => drop(answer.expect(200)),
            _ => drop(answer.problem(403, "forbidden")),
        }
    }
    let (totp, _) = admin.app.enable_totp(&admin.device).await;
    for way in WAYS {
        let mut answer = admin.enter(way).await.json(200);
        if way != Way::Passkey {
            let right = code(&totp.next_code(&admin.app).await);
            let second = admin.app.second_step(&answer, &right).send().await;
            answer = second.json(200);
        }
        plans(&Device::from(&answer)).await.expect(200);
    }
}
