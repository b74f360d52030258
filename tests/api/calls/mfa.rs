//! The routes of second factors, and the sign-in of somebody who has one.

use latchkey_tests::{PASSWORD, TotpApp};
use serde_json::{Value, json};

use super::{Cost, cost_of, warm};

const EMAIL: &str = "ada@example.com";

/// What each of them costs, at a place that the user has signed in from.
pub(super) async fn costs() -> Vec<(&'static str, Cost)> {
    let (app, _, device) = warm().await;
    let mut costs = Vec::new();
    let post = |path: &str, body: &Value| app.post(path, body).bearer(&device.access);

    // The function reads the plans once a minute.
    app.factors(&device).await;
    let call = post("/api/auth/enable/mfa", &json!({ "method": "totp" }));
    let route = "POST /api/auth/enable/mfa";
    costs.push((route, cost_of(&app, call, 200).await));
    let begun = app.enable(&device, &json!({ "method": "totp" })).await;
    let begun = begun.json(200);
    let totp = TotpApp::of(&begun);
    let body = json!({ "token": begun["token"], "code": totp.code(&app) });
    let call = post("/api/auth/enable/mfa", &body);
    let route = "POST /api/auth/enable/mfa (code)";
    costs.push((route, cost_of(&app, call, 200).await));
    let call = app.get("/api/auth/mfa").bearer(&device.access);
    costs.push(("GET /api/auth/mfa", cost_of(&app, call, 200).await));

    // The functions of sign-in have read the plans, and the place is known.
    let right = totp.next_code(&app).await;
    let first = app.first_step(EMAIL).await;
    let body = json!({ "token": first["token"], "code": right, "trustDevice": true });
    let call = app.post("/api/auth/sign-in", &body);
    let far = call.header("x-dev-client-ip", "203.0.113.7");
    far.send().await.expect(200);
    let body = json!({ "email": EMAIL, "password": PASSWORD });
    let call = app.post("/api/auth/sign-in", &body);
    let route = "POST /api/auth/sign-in (mfa_required)";
    costs.push((route, cost_of(&app, call, 200).await));
    let first = app.first_step(EMAIL).await;
    let body = json!({ "token": first["token"], "code": totp.next_code(&app).await });
    let call = app.post("/api/auth/sign-in", &body);
    let route = "POST /api/auth/sign-in (second factor)";
    costs.push((route, cost_of(&app, call, 200).await));

    let body = json!({ "code": totp.next_code(&app).await });
    let call = post("/api/auth/step-up", &body);
    let route = "POST /api/auth/step-up (second factor)";
    costs.push((route, cost_of(&app, call, 200).await));
    let body = json!({ "code": totp.next_code(&app).await });
    let call = post("/api/auth/mfa/recovery-codes", &body);
    let route = "POST /api/auth/mfa/recovery-codes";
    costs.push((route, cost_of(&app, call, 200).await));

    let call = app.get("/api/auth/trusted-devices").bearer(&device.access);
    let route = "GET /api/auth/trusted-devices";
    costs.push((route, cost_of(&app, call, 200).await));
    let call = app.get("/api/auth/trusted-devices").bearer(&device.access);
    let listed = call.send().await.json(200);
    let id = listed["trustedDevices"][0]["id"].as_str().unwrap();
    let call = app.delete(&format!("/api/auth/trusted-devices/{id}"));
    let call = call.bearer(&device.access);
    let route = "DELETE /api/auth/trusted-devices/{id}";
    costs.push((route, cost_of(&app, call, 204).await));

    let body = json!({ "code": totp.next_code(&app).await });
    let call = post("/api/auth/disable/mfa", &body);
    let route = "POST /api/auth/disable/mfa";
    costs.push((route, cost_of(&app, call, 200).await));
    costs
}
