//! The routes of passkeys.

use latchkey_tests::Passkey;
use serde_json::json;

use super::{Cost, cost_of, warm};

/// What each of them costs, at a place that the user has signed in from.
pub(super) async fn costs() -> Vec<(&'static str, Cost)> {
    let (app, _, device) = warm().await;
    let mut costs = Vec::new();

    let call = app.ask_passkey("passkeys/register/options", Some(&device));
    let route = "POST /api/auth/passkeys/register/options";
    costs.push((route, cost_of(&app, call, 200).await));
    let (passkey, made) = Passkey::make(&app.passkey_creation(&device).await);
    let call = app.post("/api/auth/passkeys/register/verify", &made);
    let route = "POST /api/auth/passkeys/register/verify";
    let call = call.bearer(&device.access);
    costs.push((route, cost_of(&app, call, 201).await));

    let call = app.ask_passkey("sign-in/passkey/options", None);
    let route = "POST /api/auth/sign-in/passkey/options";
    costs.push((route, cost_of(&app, call, 200).await));
    // The function reads the plans once a minute, as that of sign-in has done by now.
    app.sign_in_by(&passkey).await;
    let made = passkey.sign(&app.passkey_request().await);
    let route = "POST /api/auth/sign-in/passkey/verify";
    let call = app.passkey_sign_in(&made);
    costs.push((route, cost_of(&app, call, 200).await));

    let call = app.ask_passkey("step-up/passkey/options", Some(&device));
    let route = "POST /api/auth/step-up/passkey/options";
    costs.push((route, cost_of(&app, call, 200).await));
    let call = app.ask_passkey("step-up/passkey/options", Some(&device));
    let proof = json!({ "passkey": passkey.sign(&call.send().await.json(200)) });
    let call = app.post("/api/auth/step-up", &proof).bearer(&device.access);
    let route = "POST /api/auth/step-up (passkey)";
    costs.push((route, cost_of(&app, call, 200).await));

    let call = app.get("/api/auth/passkeys").bearer(&device.access);
    costs.push(("GET /api/auth/passkeys", cost_of(&app, call, 200).await));
    let listed = app.passkeys(&device).await;
    let path = format!("/api/auth/passkeys/{}", listed[0]["id"].as_str().unwrap());
    let call = app.patch(&path, &json!({ "name": "Blue key" }));
    let call = call.bearer(&device.access);
    let route = "PATCH /api/auth/passkeys/{id}";
    costs.push((route, cost_of(&app, call, 200).await));
    let call = app.delete(&path).bearer(&device.access);
    let route = "DELETE /api/auth/passkeys/{id}";
    costs.push((route, cost_of(&app, call, 204).await));
    costs
}
