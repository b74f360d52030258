//! What admins and wrong passwords do to an account, with each call disturbed: see
//! [`crate::sweep`]. Whoever is shut out is so after any crash, and each move is told of; a try is
//! never counted less than once, and by the service alone never more.

use latchkey_tests::{Answer, App, Call, Client, Device, PASSWORD, Person};
use serde_json::{Value, json};

use crate::sweep::Sweep;
use crate::tables::Tables;

const EMAIL: &str = "ada@example.com";
const WRONG: &str = "not the password";
/// Where nobody has signed in from before.
const STRANGER: &str = "198.51.100.7";

/// The lock that was found is that of the try which was cut off.
const LOCKED: &[(u16, &str)] = &[(429, "account_locked")];

/// An admin, and somebody who is signed in on two devices.
struct Scene {
    admin: Device,
    ada: Person,
    devices: [Device; 2],
}

impl Scene {
    async fn on(app: &App) -> Self {
        let (_, admin) = app.first_admin().await;
        let ada = app.person(EMAIL).await;
        let devices = [app.sign_in(&ada).await, app.sign_in(&ada).await];
        Self {
            admin,
            ada,
            devices,
        }
    }

    fn put_status(&self, client: &Client, status: &str) -> Call {
        let body = json!({ "status": status, "reason": "For a test." });
        let call = client.put(&format!("/api/admin/users/{}/status", self.ada.id), &body);
        call.bearer(&self.admin.access)
    }

    fn unlock(&self, client: &Client) -> Call {
        let path = format!("/api/admin/users/{}/unlock", self.ada.id);
        client.post(&path, &json!({})).bearer(&self.admin.access)
    }

    async fn claim_devices_over(&self, app: &App) {
        for device in &self.devices {
            app.claim_over(device).await;
            let stepped = app.step_up(device, &json!({ "password": PASSWORD })).await;
            stepped.problem(401, "unauthenticated");
        }
    }
}

fn sign_in(client: &Client, password: &str) -> Call {
    let body = json!({ "email": EMAIL, "password": password, "tokenDelivery": "body" });
    let call = client.post("/api/auth/sign-in", &body);
    call.header("x-dev-client-ip", STRANGER)
}

async fn fail(app: &App, times: usize) {
    for _ in 0..times {
        let answer = sign_in(app, WRONG).send().await;
        answer.problem(401, "invalid_credentials");
    }
}

async fn locks_told(app: &App, person: &Person) -> usize {
    let tables = Tables::of(app).await;
    tables.events(&person.id, "user.locked").count()
}

#[tokio::test]
async fn a_block_converges() {
    Sweep {
        prepare: async |app: &App| Scene::on(app).await,
        request: |client: &Client, scene: &Scene| scene.put_status(client, "blocked"),
        status: 200,
        done_already: &[],
        lost: &[],
        check: async |app: &App, scene: &Scene, _: &Answer| {
            scene.claim_devices_over(app).await;
            let refused = sign_in(app, PASSWORD).send().await;
            refused.problem(403, "account_blocked");
            // Sent again, it is done again: both are told of.
            let tables = Tables::of(app).await;
            let told = tables.events(&scene.ada.id, "user.status_changed").count();
            assert!((1..=2).contains(&told), "{told}");
            assert_eq!(tables.status(&scene.ada.id), "blocked");
        },
    }
    .run()
    .await;
}

#[tokio::test]
async fn a_reactivation_converges() {
    Sweep {
        prepare: async |app: &App| {
            let scene = Scene::on(app).await;
            scene.put_status(app, "blocked").send().await.expect(200);
            scene
        },
        request: |client: &Client, scene: &Scene| scene.put_status(client, "active"),
        status: 200,
        // Nobody moves an account to where it is.
        done_already: &[(409, "conflict")],
        lost: &[],
        check: async |app: &App, scene: &Scene, _: &Answer| {
            scene.claim_devices_over(app).await;
            let signed_in = sign_in(app, PASSWORD).send().await.json(200);
            let device = Device::from(&signed_in);
            app.me(&device.access).await.expect(200);
            app.refresh(&device.refresh).await.expect(200);
            let tables = Tables::of(app).await;
            let told = tables.events(&scene.ada.id, "user.status_changed").count();
            assert_eq!(told, 2);
            assert_eq!(tables.status(&scene.ada.id), "active");
        },
    }
    .run()
    .await;
}

/// The fifth wrong password in a row: whatever is cut off, the account is locked after it.
#[tokio::test]
async fn a_wrong_password_that_locks_converges() {
    Sweep {
        prepare: async |app: &App| {
            let ada = app.person(EMAIL).await;
            fail(app, 4).await;
            ada
        },
        request: |client: &Client, _: &Person| sign_in(client, WRONG),
        status: 401,
        done_already: LOCKED,
        lost: &[],
        check: async |app: &App, ada: &Person, _: &Answer| {
            let locked = sign_in(app, PASSWORD).send().await;
            locked.problem(429, "account_locked");
            // Of a lock whose counter died before it could say so, who came next has told.
            assert_eq!(locks_told(app, ada).await, 1);
            app.advance(61).await;
            let again = sign_in(app, WRONG).send().await;
            again.problem(401, "invalid_credentials");
            let locked = sign_in(app, PASSWORD).send().await;
            locked.problem(429, "account_locked");
            assert_eq!(locks_told(app, ada).await, 2);
            app.advance(121).await;
            sign_in(app, PASSWORD).send().await.expect(200);
        },
    }
    .run()
    .await;
}

/// The right password after four wrong ones: the count is over when it is answered.
#[tokio::test]
async fn a_right_password_that_ends_the_count_converges() {
    Sweep {
        prepare: async |app: &App| {
            let ada = app.person(EMAIL).await;
            fail(app, 4).await;
            ada
        },
        request: |client: &Client, _: &Person| sign_in(client, PASSWORD),
        status: 200,
        done_already: LOCKED,
        lost: &[],
        check: async |app: &App, ada: &Person, answer: &Answer| {
            let locks = usize::from(answer.status == 429);
            assert_eq!(locks_told(app, ada).await, locks);
            if answer.status == 429 {
                app.advance(61).await;
                sign_in(app, PASSWORD).send().await.expect(200);
            }
            // By now this source is known.
            for _ in 0..4 {
                let elsewhere = sign_in(app, WRONG).send().await;
                elsewhere.problem(401, "invalid_credentials");
            }
            sign_in(app, PASSWORD).send().await.expect(200);
        },
    }
    .run()
    .await;
}

#[tokio::test]
async fn an_unlocking_converges() {
    Sweep {
        prepare: async |app: &App| {
            let scene = Scene::on(app).await;
            fail(app, 5).await;
            let locked = sign_in(app, PASSWORD).send().await;
            locked.problem(429, "account_locked");
            scene
        },
        request: |client: &Client, scene: &Scene| scene.unlock(client),
        status: 200,
        done_already: &[],
        lost: &[],
        check: async |app: &App, scene: &Scene, answer: &Answer| {
            let answer: Value = serde_json::from_str(&answer.text).unwrap();
            assert_eq!(answer["user"]["id"], scene.ada.id.as_str());
            sign_in(app, PASSWORD).send().await.expect(200);
            let tables = Tables::of(app).await;
            let told = tables.events(&scene.ada.id, "user.unlocked").count();
            assert_eq!(told, 1);
        },
    }
    .run()
    .await;
}
