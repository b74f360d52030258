//! A reset is used once, and ends all others; what else changes meanwhile ends it.

use latchkey_tests::{App, NEW_PASSWORD, PASSWORD, at_once};
use serde_json::json;

use super::{PATH, by_link, claim_untouched, to};

const OTHER: &str = "seven quiet otters juggle";

#[tokio::test]
async fn one_reset_ends_all_that_were_asked_for() {
    for used_by_code in [true, false] {
        let app = App::start().await;
        app.person("ada@example.com").await;
        let mut resets = Vec::new();
        for _ in 0..3 {
            resets.push(app.mailed_reset("ada@example.com").await);
            app.advance(60).await;
        }
        // Which of them is up to their owner: a stranger who asks again takes none away.
        let used = &resets[0];
        let body = if used_by_code {
            used.with(to("ada@example.com", NEW_PASSWORD))
        } else {
            by_link(&used.mail.link_token(), NEW_PASSWORD)
        };
        app.forgot_password(&body).await.expect(200);
        for reset in &resets {
            for body in [
                reset.with(to("ada@example.com", OTHER)),
                by_link(&reset.mail.link_token(), OTHER),
            ] {
                app.forgot_password(&body)
                    .await
                    .problem(400, "code_expired");
            }
        }
        assert!(!app.opens("ada@example.com", OTHER).await);
        assert!(app.opens("ada@example.com", NEW_PASSWORD).await);
        let mut told = app.mails_to("ada@example.com").await;
        told.retain(|mail| mail.template == "password_changed");
        assert_eq!(told.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_at_once_one_sets_exactly_its_password() {
    let app = App::start().await;
    for by_code in [true, false] {
        let email = format!("ada-{by_code}@example.com");
        app.person(&email).await;
        let mailed = app.mailed_reset(&email).await;
        let body = |password: &str| {
            if by_code {
                mailed.with(to(&email, password))
            } else {
                by_link(&mailed.mail.link_token(), password)
            }
        };
        let passwords: Vec<String> = (0..20)
            .map(|n| format!("{NEW_PASSWORD} {}", n % 2))
            .collect();
        let calls = passwords
            .iter()
            .map(|password| app.patch(PATH, &body(password)));
        let answers = at_once(calls).await;
        let (good, refused): (Vec<_>, Vec<_>) =
            answers.into_iter().partition(|answer| answer.status == 200);
        assert_eq!((good.len(), refused.len()), (1, 19));
        for answer in refused {
            let status = answer.status;
            assert!([400, 409].contains(&status.as_u16()), "{}", answer.text);
        }
        assert!(!app.opens(&email, PASSWORD).await);
        let first = app.opens(&email, &passwords[0]).await;
        let second = app.opens(&email, &passwords[1]).await;
        assert_ne!(first, second);
        let mut told = app.mails_to(&email).await;
        told.retain(|mail| mail.template == "password_changed");
        assert_eq!(told.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_code_link_and_a_sibling_at_once_one_is_good() {
    let app = App::start().await;
    for round in 0..3 {
        let email = format!("ada{round}@example.com");
        app.person(&email).await;
        let first = app.mailed_reset(&email).await;
        app.advance(60).await;
        let second = app.mailed_reset(&email).await;
        let bodies = [
            first.with(to(&email, NEW_PASSWORD)),
            by_link(&first.mail.link_token(), NEW_PASSWORD),
            second.with(to(&email, NEW_PASSWORD)),
            by_link(&second.mail.link_token(), NEW_PASSWORD),
        ];
        let calls = (0..8).map(|n| app.patch(PATH, &bodies[n % 4]));
        let answers = at_once(calls).await;
        let good = answers.iter().filter(|answer| answer.status == 200);
        assert_eq!(good.count(), 1);
    }
}

#[tokio::test]
async fn a_password_that_is_changed_meanwhile_ends_it() {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let mailed = app.mailed_reset(&ada.email).await;
    let device = app.sign_in(&ada).await;
    let change = json!({ "password": NEW_PASSWORD, "currentPassword": PASSWORD });
    app.edit(&device, "password", &change).await.expect(200);
    for body in [
        mailed.with(to(&ada.email, OTHER)),
        by_link(&mailed.mail.link_token(), OTHER),
    ] {
        app.forgot_password(&body)
            .await
            .problem(400, "code_expired");
    }
    assert!(app.opens(&ada.email, NEW_PASSWORD).await);
}

#[tokio::test]
async fn an_address_that_is_changed_meanwhile_ends_it() {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let reset = app.mailed_reset(&ada.email).await;
    let device = app.sign_in(&ada).await;
    let wanted = json!({ "email": "lovelace@example.org" });
    let asked = app.edit(&device, "email", &wanted).await;
    let moved = app
        .mailed(asked, "lovelace@example.org", "change_email")
        .await;
    app.edit(&device, "email", &moved.with(wanted))
        .await
        .expect(200);
    for body in [
        reset.with(to(&ada.email, NEW_PASSWORD)),
        reset.with(to("lovelace@example.org", NEW_PASSWORD)),
        by_link(&reset.mail.link_token(), NEW_PASSWORD),
    ] {
        app.forgot_password(&body)
            .await
            .problem(400, "code_expired");
    }
    claim_untouched(&app, "lovelace@example.org").await;
    // The address that it moved away from can't be used to get in either.
    let before = app.mails_to(&ada.email).await.len();
    app.advance(60).await;
    app.forgot_password(&json!({ "email": ada.email }))
        .await
        .expect(202);
    assert_eq!(app.mails_to(&ada.email).await.len(), before);
}

#[tokio::test]
async fn an_account_that_is_deleted_meanwhile_ends_it() {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let reset = app.mailed_reset(&ada.email).await;
    let device = app.sign_in(&ada).await;
    let call = app
        .delete("/api/auth/user")
        .json(&json!({ "currentPassword": PASSWORD }));
    call.bearer(&device.access).send().await.expect(204);
    for body in [
        reset.with(to(&ada.email, NEW_PASSWORD)),
        by_link(&reset.mail.link_token(), NEW_PASSWORD),
    ] {
        app.forgot_password(&body)
            .await
            .problem(400, "code_expired");
    }
    // Who signs up with the address afterwards is another.
    app.person(&ada.email).await;
    app.forgot_password(&reset.with(to(&ada.email, NEW_PASSWORD)))
        .await
        .problem(400, "code_expired");
    assert!(app.opens(&ada.email, PASSWORD).await);
}
