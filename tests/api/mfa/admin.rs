//! `ADMIN_MFA=required`: admins act by two factors.

use latchkey_tests::PASSWORD;

use super::*;

const ADMIN: &str = "admin@latchkey.local";

async fn plans(app: &App, device: &Device) -> Answer {
    let call = app.get("/api/admin/plans").bearer(&device.access);
    call.send().await
}

async fn strict() -> (App, Device) {
    let app = App::with(&[("ADMIN_MFA", "required")]).await;
    let (_, device) = app.first_admin().await;
    (app, device)
}

#[tokio::test]
async fn an_admin_without_a_second_factor_is_kept_out() {
    let (app, device) = strict().await;
    plans(&app, &device).await.problem(403, "forbidden");
    // A fresh password is none.
    let proof = json!({ "password": PASSWORD });
    let device = Device::from(&app.step_up(&device, &proof).await.json(200));
    plans(&app, &device).await.problem(403, "forbidden");
}

#[tokio::test]
async fn an_admin_with_one_has_to_show_it() {
    let (app, device) = strict().await;
    let (totp, _) = app.enable_totp(&device).await;
    plans(&app, &device).await.problem(403, "step_up_required");
    let proof = code(&totp.code(&app));
    let device = Device::from(&app.step_up(&device, &proof).await.json(200));
    plans(&app, &device).await.expect(200);
    let code = totp.next_code(&app).await;
    let device = app.sign_in_with_code(ADMIN, &code).await;
    plans(&app, &device).await.expect(200);
    let device = Device::from(&app.refresh(&device.refresh).await.json(200));
    plans(&app, &device).await.expect(200);
}

#[tokio::test]
async fn a_passkey_is_enough() {
    let (app, device) = strict().await;
    let passkey = app.register_passkey(&device).await;
    plans(&app, &device).await.problem(403, "forbidden");
    let options = app.ask_passkey("step-up/passkey/options", Some(&device));
    let signed = passkey.sign(&options.send().await.json(200));
    let stepped_up = app.step_up(&device, &json!({ "passkey": signed })).await;
    let device = Device::from(&stepped_up.json(200));
    plans(&app, &device).await.expect(200);
    let device = app.sign_in_by(&passkey).await;
    plans(&app, &device).await.expect(200);
}

#[tokio::test]
async fn it_is_the_default_and_optional_is_a_choice() {
    let app = App::with(&[("ADMIN_MFA", "optional")]).await;
    let (_, device) = app.first_admin().await;
    plans(&app, &device).await.expect(200);
    let template = include_str!("../../../template.yaml");
    let template: serde_yaml_ng::Value = serde_yaml_ng::from_str(template).unwrap();
    assert_eq!(template["Parameters"]["AdminMfa"]["Default"], "required");
}

#[tokio::test]
async fn who_is_no_admin_is_told_of_no_factor() {
    let app = App::with(&[("ADMIN_MFA", "required")]).await;
    let ada = Ada::on(app).await;
    plans(&ada.app, &ada.device).await.problem(403, "forbidden");
    let device = ada.sign_in().await;
    plans(&ada.app, &device).await.problem(403, "forbidden");
}

#[tokio::test]
async fn an_admin_who_has_switched_it_off_is_kept_out_again() {
    let (app, device) = strict().await;
    let (totp, _) = app.enable_totp(&device).await;
    let proof = code(&totp.next_code(&app).await);
    let device = Device::from(&app.step_up(&device, &proof).await.json(200));
    plans(&app, &device).await.expect(200);
    let proof = code(&totp.next_code(&app).await);
    app.disable(&device, &proof).await.expect(200);
    plans(&app, &device).await.problem(403, "forbidden");
    let device = Device::from(&app.refresh(&device.refresh).await.json(200));
    plans(&app, &device).await.problem(403, "forbidden");
}
