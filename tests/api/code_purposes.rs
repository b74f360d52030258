//! Every code at every route that takes one: only the one that was made for the route is good.

mod factors;
mod links;

use latchkey_tests::{Answer, App, Device, Mailed, NEW_PASSWORD, PASSWORD, Pending};
use serde_json::{Value, json};

/// What codes are made for, and the routes that take them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    VerifyEmail,
    Otp,
    OtpBySms,
    ResetPassword,
    ChangePassword,
    ChangeEmail,
    ChangePhone,
    StepUp,
}

use Purpose::{
    ChangeEmail, ChangePassword, ChangePhone, Otp, OtpBySms, ResetPassword, StepUp, VerifyEmail,
};

const ALL: [Purpose; 8] = [
    VerifyEmail,
    Otp,
    OtpBySms,
    ResetPassword,
    ChangePassword,
    ChangeEmail,
    ChangePhone,
    StepUp,
];

/// Somebody who has asked for everything at once, so that each route has a code of its own that
/// is alive.
struct Asker {
    email: String,
    wanted_email: String,
    number: String,
    wanted_number: String,
    sign_up: Pending,
    device: Device,
    codes: Vec<Mailed>,
}

impl Asker {
    /// The `n`th of them. No two share a range of numbers, nor any that is wanted.
    async fn new(app: &App, n: usize) -> Self {
        let email = format!("ada{n}@example.com");
        let number = format!("+4670174{n}605");
        let sign_up = app
            .sign_up_with(&email, &json!({ "phoneNumber": number }))
            .await;
        let first = app.code_of(&sign_up).await;
        let again = app.post("/api/auth/resend/verify/email", &json!({ "email": email }));
        let again = app.mailed(again.send().await, &email, "verify_email").await;
        app.try_code(&sign_up, &first).await.expect(200);
        let identity = json!({ "email": email });
        let device = app.try_sign_in(identity, PASSWORD).await.json(200);
        let mut asker = Self {
            wanted_email: format!("lovelace{n}@example.org"),
            wanted_number: format!("+4673174{n}605"),
            device: Device::from(&device),
            email,
            number,
            sign_up,
            codes: vec![again],
        };
        for purpose in &ALL[1..] {
            let code = asker.ask(app, *purpose).await;
            asker.codes.push(code);
        }
        asker
    }

    fn code(&self, purpose: Purpose) -> &Mailed {
        let at = ALL.iter().position(|known| *known == purpose);
        &self.codes[at.expect("a purpose")]
    }

    /// The body of each route but for the proof; with nothing more it asks for a code.
    fn fields(&self, route: Purpose) -> Value {
        match route {
            VerifyEmail => json!({ "userId": self.sign_up.user_id, "email": self.email }),
            Otp | ResetPassword => json!({ "email": self.email }),
            OtpBySms => json!({ "phoneNumber": self.number }),
            ChangePassword => json!({ "password": NEW_PASSWORD }),
            ChangeEmail => json!({ "email": self.wanted_email }),
            ChangePhone => json!({ "phoneNumber": self.wanted_number }),
            StepUp => json!({}),
        }
    }

    async fn ask(&self, app: &App, purpose: Purpose) -> Mailed {
        let fields = self.fields(purpose);
        let (asked, to, template) = match purpose {
            VerifyEmail => unreachable!("asked for at the sign-up"),
            Otp => (app.ask_otp(&fields).await, &self.email, "otp"),
            OtpBySms => (app.ask_otp(&fields).await, &self.number, "otp_sms"),
            ResetPassword => {
                let asked = app.forgot_password(&fields).await;
                (asked, &self.email, "reset_password")
            }
            ChangePassword => {
                let asked = app.edit(&self.device, "password", &fields).await;
                (asked, &self.email, "change_password")
            }
            ChangeEmail => {
                let asked = app.edit(&self.device, "email", &fields).await;
                (asked, &self.wanted_email, "change_email")
            }
            ChangePhone => {
                let asked = app.edit(&self.device, "phone", &fields).await;
                (asked, &self.wanted_number, "change_phone")
            }
            StepUp => {
                let method = json!({ "method": "email" });
                let asked = app.step_up(&self.device, &method).await;
                (asked, &self.email, "step_up")
            }
        };
        app.mailed(asked, to, template).await
    }

    /// Tries a token's id and a code at a route.
    async fn try_at(&self, app: &App, route: Purpose, token: &Mailed, code: &str) -> Answer {
        let mut fields = self.fields(route);
        if route == ResetPassword {
            fields["password"] = json!(NEW_PASSWORD);
        }
        let body = token.with_code(code, fields.clone());
        match route {
            VerifyEmail => {
                let call = app.post("/api/auth/verify/email", &body);
                call.send().await
            }
            // It takes no token's id: the newest is meant.
            Otp | OtpBySms => app.try_otp(&fields, code).await,
            ResetPassword => app.forgot_password(&body).await,
            ChangePassword => app.edit(&self.device, "password", &body).await,
            ChangeEmail => app.edit(&self.device, "email", &body).await,
            ChangePhone => app.edit(&self.device, "phone", &body).await,
            StepUp => app.step_up(&self.device, &body).await,
        }
    }

    /// Claims that nothing has become of any try.
    async fn claim_untouched(&self, app: &App) {
        let me = app.me(&self.device.access).await.json(200);
        assert_eq!(me["user"]["email"], self.email);
        assert_eq!(me["user"]["phoneNumber"], self.number);
        assert_eq!(me["user"]["phoneVerified"], false);
        assert!(app.opens(&self.email, PASSWORD).await);
    }
}

#[tokio::test]
async fn a_code_is_good_at_the_route_that_it_was_made_for_alone() {
    let app = App::start().await;
    for (n, purpose) in ALL.into_iter().enumerate() {
        let asker = Asker::new(&app, n).await;
        let own = asker.code(purpose);
        for route in ALL.into_iter().filter(|route| *route != purpose) {
            let case = format!("a code of {purpose:?} at {route:?}");
            // With the id that it came with, and with the id that the route gave out.
            for token in [own, asker.code(route)] {
                let answer = asker.try_at(&app, route, token, &own.code()).await;
                assert_eq!(answer.status, 400, "{case}: {}", answer.text);
                let refused = ["code_invalid", "code_expired"];
                let told = refused.iter().any(|code| answer.text.contains(code));
                assert!(told, "{case}: {}", answer.text);
                assert!(answer.refresh_cookie().is_none(), "{case}");
            }
        }
        asker.claim_untouched(&app).await;
        if purpose != VerifyEmail {
            // None of it has used it up.
            let answer = asker.try_at(&app, purpose, own, &own.code()).await;
            assert_eq!(answer.status, 200, "{purpose:?}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn a_code_of_a_sign_up_verifies_it_and_does_nothing_else() {
    let app = App::start().await;
    let asker = Asker::new(&app, 0).await;
    let pending = app.sign_up("eve@example.com").await;
    let mailed = Mailed {
        token_id: pending.token_id.clone(),
        mail: app.mail_to(&pending.email, "verify_email").await,
    };
    for route in ALL.into_iter().filter(|route| *route != VerifyEmail) {
        let answer = asker.try_at(&app, route, &mailed, &mailed.code()).await;
        assert_eq!(answer.status, 400, "{route:?}: {}", answer.text);
    }
    let fields = json!({ "email": pending.email, "password": NEW_PASSWORD });
    app.forgot_password(&mailed.with(fields))
        .await
        .problem(400, "code_expired");
    app.try_otp(&json!({ "email": pending.email }), &mailed.code())
        .await
        .problem(400, "code_expired");
    asker.claim_untouched(&app).await;
    app.try_code(&pending, &mailed.code()).await.expect(200);
    assert!(app.opens(&pending.email, PASSWORD).await);
}

#[tokio::test]
async fn a_code_for_one_address_or_number_moves_to_no_other() {
    let app = App::start().await;
    let asker = Asker::new(&app, 0).await;
    let (email, phone) = (asker.code(ChangeEmail), asker.code(ChangePhone));
    for (what, body) in [
        ("email", email.with(json!({ "email": "else@example.org" }))),
        (
            "phone",
            phone.with(json!({ "phoneNumber": "+46739999605" })),
        ),
    ] {
        app.edit(&asker.device, what, &body)
            .await
            .problem(400, "code_expired");
    }
    // Nor does it say anything of the wanted one to those who ask for nothing but a code.
    for code in [email, phone] {
        for name in [
            json!({ "email": asker.wanted_email }),
            json!({ "phoneNumber": asker.wanted_number }),
        ] {
            app.try_otp(&name, &code.code())
                .await
                .problem(400, "code_expired");
        }
    }
    let reset = json!({ "email": asker.wanted_email, "password": NEW_PASSWORD });
    app.forgot_password(&email.with(reset))
        .await
        .problem(400, "code_expired");
    asker.claim_untouched(&app).await;
}
