//! Codes of apps, again and many at once.

use latchkey_tests::at_once;

use super::*;

#[tokio::test]
async fn a_step_of_time_is_good_once_wherever_it_was_used() {
    let ada = Ada::start().await;
    let app = &ada.app;
    app.begin_step().await;
    let used = code(&ada.totp.code(app));
    let first = app.first_step(EMAIL).await;
    let answer = app.second_step(&first, &used).send().await;
    let device = Device::from(&answer.json(200));
    ada.try_second(used.clone())
        .await
        .problem(400, "code_invalid");
    let tries = [
        app.step_up(&device, &used).await,
        app.disable(&device, &used).await,
        app.renew_recovery_codes(&device, &used).await,
    ];
    for answer in tries {
        answer.problem(400, "code_invalid");
    }
    // And the other way about.
    let next = code(&ada.totp.next_code(app).await);
    let stepped_up = app.step_up(&device, &next).await;
    let device = Device::from(&stepped_up.json(200));
    ada.try_second(next).await.problem(400, "code_invalid");
    let next = code(&ada.totp.next_code(app).await);
    let renewed = app.renew_recovery_codes(&device, &next).await;
    renewed.expect(200);
    ada.try_second(next).await.problem(400, "code_invalid");
}

#[tokio::test]
async fn a_clock_may_be_off_by_one_step_and_no_more() {
    let ada = Ada::start().await;
    let app = &ada.app;
    // Far enough from the set-up that none of them is one of before.
    app.advance(5 * 60).await;
    app.begin_step().await;
    let now = app.step();
    for off in [-3, -2, 2, 3] {
        let other = ada.totp.code_of(now + off);
        ada.try_second(code(&other))
            .await
            .problem(400, "code_invalid");
    }
    app.advance(61).await;
    app.begin_step().await;
    let now = app.step();
    for off in [-1, 0, 1] {
        let near = ada.totp.code_of(now + off);
        app.sign_in_with_code(EMAIL, &near).await;
    }
    // One that is later than any used makes those before it void.
    app.advance(5 * 60).await;
    app.begin_step().await;
    let now = app.step();
    app.sign_in_with_code(EMAIL, &ada.totp.code_of(now + 1))
        .await;
    for off in [-1, 0, 1] {
        let old = ada.totp.code_of(now + off);
        ada.try_second(code(&old))
            .await
            .problem(400, "code_invalid");
    }
}

/// Claims that one of them signed in, and none other did anything.
fn one_got_in(answers: &[Answer]) {
    let signed_in = answers
        .iter()
        .filter(|answer| answer.text.contains("signed_in"));
    assert_eq!(signed_in.count(), 1, "{answers:?}");
    for answer in answers {
        let status = answer.status.as_u16();
        assert!([200, 400, 429].contains(&status), "{}", answer.text);
    }
}

async fn sessions(app: &App, device: &Device) -> usize {
    let call = app.get("/api/auth/sessions").bearer(&device.access);
    let list = call.send().await.json(200);
    list["sessions"].as_array().unwrap().len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_with_one_code_at_once_one_gets_in() {
    let ada = Ada::start().await;
    let app = &ada.app;
    app.begin_step().await;
    let mut tickets = Vec::new();
    for _ in 0..20 {
        tickets.push(app.first_step(EMAIL).await);
    }
    let right = code(&ada.totp.code(app));
    let calls = tickets.iter().map(|first| app.second_step(first, &right));
    one_got_in(&at_once(calls).await);
    assert_eq!(sessions(app, &ada.device).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_with_one_recovery_code_at_once_one_gets_in() {
    let ada = Ada::start().await;
    let app = &ada.app;
    let mut tickets = Vec::new();
    for _ in 0..20 {
        tickets.push(app.first_step(EMAIL).await);
    }
    let right = code(&ada.recovery[3]);
    let calls = tickets.iter().map(|first| app.second_step(first, &right));
    one_got_in(&at_once(calls).await);
    assert_eq!(sessions(app, &ada.device).await, 2);
    assert_eq!(app.factors(&ada.device).await["recoveryCodesLeft"], 9);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_with_one_ticket_at_once_one_gets_in() {
    let ada = Ada::start().await;
    let app = &ada.app;
    let first = app.first_step(EMAIL).await;
    // Each with a code that is good by itself.
    let mut codes: Vec<String> = ada.recovery.clone();
    codes.extend((0..10).map(|_| ada.totp.code(app)));
    let calls = codes
        .iter()
        .map(|right| app.second_step(&first, &code(right)));
    one_got_in(&at_once(calls).await);
    assert_eq!(sessions(app, &ada.device).await, 2);
    // Of the others none was used up.
    let left = app.factors(&ada.device).await["recoveryCodesLeft"].clone();
    assert!([9, 10].map(Value::from).contains(&left), "{left}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_at_two_routes_at_once_does_one_thing() {
    let ada = Ada::start().await;
    let app = &ada.app;
    let device = ada.sign_in().await;
    let first = app.first_step(EMAIL).await;
    let right = code(&ada.totp.next_code(app).await);
    let step_up = app.post("/api/auth/step-up", &right);
    let disable = app.post(DISABLE, &right);
    let calls = [
        app.second_step(&first, &right),
        step_up.bearer(&device.access),
        disable.bearer(&device.access),
    ];
    let answers = at_once(calls).await;
    let done = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(done, 1, "{answers:?}");
}
