//! `POST /api/admin/users/{id}/unlock`

use latchkey_tests::App;
use serde_json::json;

#[tokio::test]
async fn unlocking_answers_with_the_user_and_is_written_down() {
    let app = App::start().await;
    let (admin, device) = app.first_admin().await;
    let ada = app.person("ada@example.com").await;
    let wrong = app.try_sign_in(json!({ "email": ada.email }), "not the password");
    wrong.await.problem(401, "invalid_credentials");
    let path = format!("/api/admin/users/{}/unlock", ada.id);
    // The second finds nothing to end, and is the same to who asks.
    for _ in 0..2 {
        let call = app.call(reqwest::Method::POST, &path);
        let answer = call.bearer(&device.access).send().await.json(200);
        assert_eq!(answer["user"]["id"], ada.id.as_str());
    }

    let own = app.sign_in(&ada).await;
    let call = app.get("/api/auth/user/events").bearer(&own.access);
    let events = call.send().await.json(200);
    let events = events["events"].as_array().unwrap().iter();
    let unlocked: Vec<_> = events
        .filter(|event| event["type"] == "user.unlocked")
        .map(|event| &event["data"])
        .collect();
    assert_eq!(unlocked, [&json!({ "by": admin.id })]);
}
