//! The list of passkeys: names, removal, and what becomes of them with the account.

use aws_sdk_dynamodb::Client as DynamoDb;
use aws_sdk_dynamodb::types::AttributeValue;
use latchkey_tests::{PASSWORD, Passkey};
use reqwest::Method;
use serde_json::json;

use super::*;

async fn path_of_only(app: &App, device: &Device) -> String {
    let listed = app.passkeys(device).await;
    assert_eq!(listed.len(), 1);
    format!("/api/auth/passkeys/{}", text(&listed[0], "id"))
}

#[tokio::test]
async fn it_is_renamed() {
    let (app, _, device) = app_with_ada().await;
    app.register_passkey(&device).await;
    let path = path_of_only(&app, &device).await;
    // That takes no fresh proof.
    app.advance(11 * 60).await;
    for _ in 0..2 {
        let call = app.patch(&path, &json!({ "name": "Blue key" }));
        let renamed = call.bearer(&device.access).send().await.json(200);
        assert_eq!(renamed["passkey"]["name"], "Blue key");
    }
    assert_eq!(app.passkeys(&device).await[0]["name"], "Blue key");
    let events = events(&app, &device).await;
    assert_eq!(events[..2], ["passkey.renamed", "passkey.added"]);
    for (name, code) in [
        (json!(""), "empty"),
        (json!("x".repeat(101)), "too_long"),
        (json!("a\u{202e}b"), "control_character"),
        (json!(7), "invalid_type"),
        (Value::Null, "invalid_type"),
    ] {
        let call = app.patch(&path, &json!({ "name": name }));
        let answer = call.bearer(&device.access).send().await;
        let expected = ("name".to_owned(), code.to_owned());
        assert_eq!(answer.bad_fields(), [expected]);
    }
}

#[tokio::test]
async fn it_is_removed_and_opens_nothing_any_more() {
    let (app, _, device) = app_with_ada().await;
    let (kept, lost) = (
        app.register_passkey(&device).await,
        app.register_passkey(&device).await,
    );
    let path = {
        let listed = app.passkeys(&device).await;
        format!("/api/auth/passkeys/{}", text(&listed[1], "id"))
    };
    let options = app.passkey_request().await;
    let delete = || app.delete(&path).bearer(&device.access).send();
    app.advance(10 * 60 + 1).await;
    delete().await.problem(403, "step_up_required");
    let proof = json!({ "password": PASSWORD });
    let stepped_up = app.step_up(&device, &proof).await.json(200);
    let device = Device::from(&stepped_up);
    let delete = || app.delete(&path).bearer(&device.access).send();
    delete().await.expect(204);
    delete().await.problem(404, "not_found");
    app.mail_to("ada@example.com", "passkey_removed").await;
    assert_eq!(events(&app, &device).await[0], "passkey.removed");

    let answer = app.try_passkey(&lost, &Ceremony::default()).await;
    answer.problem(401, "invalid_credentials");
    // Options from before it was removed are no better.
    let answer = app.passkey_sign_in(&lost.sign(&options)).send().await;
    answer.problem(401, "invalid_credentials");
    app.sign_in_by(&kept).await;
}

#[tokio::test]
async fn another_user_s_is_not_found() {
    let (app, _, device) = app_with_ada().await;
    app.register_passkey(&device).await;
    let path = path_of_only(&app, &device).await;
    let eve = app.person("eve@example.com").await;
    let eve = app.sign_in(&eve).await;
    let nothing = [
        path.as_str(),
        "/api/auth/passkeys/x",
        "/api/auth/passkeys/01890a5d-ac96-774b-bcce-b302099a8057",
    ];
    for path in nothing {
        let call = app.patch(path, &json!({ "name": "Mine" }));
        let answer = call.bearer(&eve.access).send().await;
        answer.problem(404, "not_found");
        let answer = app.delete(path).bearer(&eve.access).send().await;
        answer.problem(404, "not_found");
    }
    assert_eq!(app.passkeys(&eve).await, [] as [Value; 0]);
    assert_eq!(app.passkeys(&device).await.len(), 1);
}

/// Takes somebody's password away, as that of an account which began by a code.
async fn without_password(app: &App, person: &Person) {
    DynamoDb::new(&app.stack.aws())
        .update_item()
        .table_name("latchkey-users")
        .key("pk", AttributeValue::S(format!("user#{}", person.id)))
        .key("sk", AttributeValue::S("profile".to_owned()))
        .update_expression("REMOVE passwordHash")
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn the_last_way_in_stays() {
    let (app, ada, device) = app_with_ada().await;
    for _ in 0..2 {
        app.register_passkey(&device).await;
    }
    without_password(&app, &ada).await;
    let listed = app.passkeys(&device).await;
    let paths: Vec<String> = listed
        .iter()
        .map(|passkey| format!("/api/auth/passkeys/{}", text(passkey, "id")))
        .collect();
    let calls = paths
        .iter()
        .map(|path| app.delete(path).bearer(&device.access));
    let mut removed = 0;
    for answer in latchkey_tests::at_once(calls).await {
        if answer.status == 204 {
            removed += 1;
        } else {
            answer.problem(409, "last_way_in");
        }
    }
    assert_eq!(removed, 1);
    let path = path_of_only(&app, &device).await;
    let answer = app.delete(&path).bearer(&device.access).send().await;
    answer.problem(409, "last_way_in");
    // Who sets a password can do without.
    app.reset_password(&ada, latchkey_tests::NEW_PASSWORD)
        .await
        .expect(200);
    let identity = json!({ "email": ada.email });
    let signed_in = app
        .try_sign_in(identity, latchkey_tests::NEW_PASSWORD)
        .await;
    let device = Device::from(&signed_in.json(200));
    let answer = app.delete(&path).bearer(&device.access).send().await;
    answer.expect(204);
}

#[tokio::test]
async fn a_reset_leaves_passkeys_as_they_are() {
    let (app, ada, device) = app_with_ada().await;
    let passkey = app.register_passkey(&device).await;
    app.reset_password(&ada, latchkey_tests::NEW_PASSWORD)
        .await
        .expect(200);
    app.sign_in_by(&passkey).await;
}

#[tokio::test]
async fn an_export_has_them() {
    let (app, _, device) = app_with_ada().await;
    app.register_passkey(&device).await;
    let call = app.get("/api/auth/user/export").bearer(&device.access);
    let export = call.send().await.json(200);
    let listed = app.passkeys(&device).await;
    assert_eq!(export["passkeys"], json!(listed));
}

#[tokio::test]
async fn they_go_with_the_account() {
    let (app, _, device) = app_with_ada().await;
    let passkey = app.register_passkey(&device).await;
    let options = app.passkey_request().await;
    let call = app.call(Method::DELETE, "/api/auth/user");
    call.bearer(&device.access).send().await.expect(204);
    // At once, whether or not the rows are gone by then.
    let answer = app.passkey_sign_in(&passkey.sign(&options)).send().await;
    answer.problem(401, "invalid_credentials");
    app.stack.settle().await;
    let rows = DynamoDb::new(&app.stack.aws())
        .scan()
        .table_name("latchkey-users")
        .send()
        .await
        .unwrap();
    let left = rows.items().iter().map(|row| format!("{row:?}"));
    let left: Vec<String> = left.filter(|row| row.contains("passkey")).collect();
    assert_eq!(left, [] as [String; 0]);
    // And somebody else can have the credential.
    let eve = app.person("eve@example.com").await;
    let eve = app.sign_in(&eve).await;
    let same = Ceremony {
        credential: Some(passkey.credential.clone()),
        ..Ceremony::default()
    };
    let (_, made) = Passkey::make_with(&app.passkey_creation(&eve).await, &same);
    app.try_register(&eve, &made).await.expect(201);
}
