//! Many at once are no more than many in a row.

use latchkey_tests::at_once;

use super::*;

fn statuses(answers: &[Answer], status: u16) -> usize {
    let same = |answer: &&Answer| answer.status.as_u16() == status;
    answers.iter().filter(same).count()
}

#[tokio::test]
async fn of_fifty_wrong_at_once_five_are_looked_at() {
    let app = app_with_ada().await;
    let calls = (0..50).map(|_| sign_in(&app, &ada(), WRONG));
    let answers = at_once(calls).await;
    assert_eq!(statuses(&answers, 401), 5);
    assert_eq!(statuses(&answers, 429), 45);
    about(locked_for(&app, &ada()).await, 60);

    // The count is exact: one more try, and it is the sixth.
    app.advance(61).await;
    let calls = (0..50).map(|_| sign_in(&app, &ada(), WRONG));
    let answers = at_once(calls).await;
    assert_eq!(statuses(&answers, 401), 1);
    about(locked_for(&app, &ada()).await, 120);
}

#[tokio::test]
async fn the_right_password_among_fifty_wrong_is_found_by_luck_alone() {
    let app = app_with_ada().await;
    let passwords = (0..50).map(|_| WRONG).chain([PASSWORD]);
    let calls = passwords.map(|password| sign_in(&app, &ada(), password));
    let answers = at_once(calls).await;
    // If it was among the first five, it ended their count, and five more were looked at.
    let most = if statuses(&answers, 200) == 1 { 9 } else { 5 };
    assert!(statuses(&answers, 401) <= most);
    assert_eq!(
        statuses(&answers, 200) + statuses(&answers, 401) + statuses(&answers, 429),
        51
    );
    locked_for(&app, &ada()).await;
}

#[tokio::test]
async fn of_fifty_wrong_at_once_for_nobody_five_are_looked_at_too() {
    let app = App::start().await;
    let nobody = json!({ "email": "nobody@example.com" });
    let answers = at_once((0..50).map(|_| sign_in(&app, &nobody, WRONG))).await;
    assert_eq!(statuses(&answers, 401), 5);
    assert_eq!(statuses(&answers, 429), 45);
}

#[tokio::test]
async fn twenty_right_at_once_all_get_in() {
    let app = app_with_ada().await;
    let answers = at_once((0..20).map(|_| sign_in(&app, &ada(), PASSWORD))).await;
    assert_eq!(statuses(&answers, 200), 20);
    for _ in 0..5 {
        fails(&app, &ada()).await;
    }
}
