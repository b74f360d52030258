//! Codes of second factors at every route that takes one, and other codes at theirs.

use latchkey_tests::{Answer, App, Device, NEW_PASSWORD, Person};
use serde_json::{Value, json};

/// What codes are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Enable,
    Manage,
    SecondFactor,
    StepUp,
    ChangePassword,
    Reset,
    Otp,
}

const ALL: [Purpose; 7] = [
    Purpose::Enable,
    Purpose::Manage,
    Purpose::SecondFactor,
    Purpose::StepUp,
    Purpose::ChangePassword,
    Purpose::Reset,
    Purpose::Otp,
];

/// Somebody whose second factor is mail, and who has asked for everything at once.
struct Asker {
    person: Person,
    device: Device,
    /// The first step of a sign-in.
    first: Value,
    /// The id of the token and the code, for each purpose.
    codes: Vec<(String, String)>,
}

impl Asker {
    async fn new(app: &App, n: usize) -> Self {
        let email = format!("ada{n}@example.com");
        let number = format!("+4670174{n}605");
        let person = app.person(&email).await;
        let device = app.sign_in(&person).await;
        app.move_to_number(&device, &number).await;
        app.advance(61).await;
        app.enable_by_message(&device, "email", &email, "confirm_mfa_change")
            .await;
        let asked = app.step_up(&device, &json!({ "method": "email" })).await;
        let mailed = app.mailed(asked, &email, "step_up").await;
        let stepped_up = app.step_up(&device, &mailed.with(json!({}))).await;
        let device = Device::from(&stepped_up.json(200));
        app.advance(61).await;

        let asked = app.enable(&device, &json!({ "method": "sms" })).await;
        let enable = app.mailed(asked, &number, "otp_sms").await;
        app.advance(61).await;
        let asked = app.disable(&device, &json!({ "method": "email" })).await;
        let manage = app.mailed(asked, &email, "confirm_mfa_change").await;
        app.advance(61).await;
        let first = app.first_step(&email).await;
        let second = app.mail_to(&email, "sign_in_code").await.code();
        let asked = app.step_up(&device, &json!({ "method": "email" })).await;
        let step_up = app.mailed(asked, &email, "step_up").await;
        let change = json!({ "password": NEW_PASSWORD });
        let asked = app.edit(&device, "password", &change).await;
        let change = app.mailed(asked, &email, "change_password").await;
        let reset = app.mailed_reset(&email).await;
        let asked = app.ask_otp(&json!({ "email": email })).await;
        let otp = app.mailed(asked, &email, "otp").await;
        let ticket = first["challenge"]["tokenId"].as_str().unwrap().to_owned();
        let mut codes: Vec<_> = [enable, manage]
            .iter()
            .map(|mailed| (mailed.token_id.clone(), mailed.code()))
            .collect();
        codes.push((ticket, second));
        codes.extend(
            [step_up, change, reset, otp]
                .iter()
                .map(|mailed| (mailed.token_id.clone(), mailed.code())),
        );
        Self {
            person,
            device,
            first,
            codes,
        }
    }

    fn of(&self, purpose: Purpose) -> &(String, String) {
        let at = ALL.iter().position(|known| *known == purpose);
        &self.codes[at.unwrap()]
    }

    async fn try_at(&self, app: &App, route: Purpose, token: &str, code: &str) -> Answer {
        let by_token = json!({ "token": token, "code": code });
        let by_id = json!({ "tokenId": token, "code": code });
        let mut fields = by_id.clone();
        fields["password"] = json!(NEW_PASSWORD);
        match route {
            Purpose::Enable => app.enable(&self.device, &by_token).await,
            Purpose::Manage => app.disable(&self.device, &by_token).await,
            Purpose::SecondFactor => {
                let call = app.second_step(&self.first, &json!({ "code": code }));
                call.send().await
            }
            Purpose::StepUp => app.step_up(&self.device, &by_id).await,
            Purpose::ChangePassword => app.edit(&self.device, "password", &fields).await,
            Purpose::Reset => {
                fields["email"] = json!(self.person.email);
                app.forgot_password(&fields).await
            }
            Purpose::Otp => {
                let name = json!({ "email": self.person.email });
                app.try_otp(&name, code).await
            }
        }
    }
}

#[tokio::test]
async fn a_code_of_a_second_factor_is_good_at_the_route_that_it_was_made_for_alone() {
    let app = App::start().await;
    for (n, purpose) in ALL.into_iter().enumerate() {
        let asker = Asker::new(&app, n).await;
        let (own, code) = asker.of(purpose);
        for route in ALL.into_iter().filter(|route| *route != purpose) {
            let (theirs, _) = asker.of(route);
            for token in [own, theirs] {
                let answer = asker.try_at(&app, route, token, code).await;
                let case = format!("a code of {purpose:?} at {route:?}: {}", answer.text);
                assert_eq!(answer.status, 400, "{case}");
                let refused = ["code_invalid", "code_expired"];
                assert!(
                    refused.iter().any(|code| answer.text.contains(code)),
                    "{case}"
                );
            }
        }
        let factors = app.factors(&asker.device).await;
        assert_eq!(factors["methods"], json!(["email"]));
        // None of it has used it up.
        let answer = asker.try_at(&app, purpose, own, code).await;
        assert_eq!(answer.status, 200, "{purpose:?}: {}", answer.text);
    }
}
