//! `POST /api/admin/users/{id}/unlock`

use latchkey_tests::App;
use serde_json::json;

#[tokio::test]
async fn unlocking_answers_with_the_user_and_is_written_down() {
    let app = App::start().await;
    let (admin, device) = app.first_admin().await;
    let ada = app.person("ada@example.com").await;
    let path = format!("/api/admin/users/{}/unlock", ada.id);
    let call = app.call(reqwest::Method::POST, &path);
    let answer = call.bearer(&device.access).send().await.json(200);
    assert_eq!(answer["user"]["id"], ada.id.as_str());

    let own = app.sign_in(&ada).await;
    let call = app.get("/api/auth/user/events").bearer(&own.access);
    let events = call.send().await.json(200);
    let unlocked = events["events"]
        .as_array()
        .unwrap()
        .iter()
        .find(|event| event["type"] == "user.unlocked")
        .expect("such an event");
    assert_eq!(unlocked["data"], json!({ "by": admin.id }));
}
