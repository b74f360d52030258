//! The routes, in all the places that name them: contract, template, routers, local gateway.

mod places;
mod unauthenticated;

use std::collections::{BTreeMap, BTreeSet};

use latchkey_tests::App;
use reqwest::Method;

/// The routes of the contract that are built, and whether they are for signed-in people alone.
pub(crate) const ROUTES: [(&str, &str, bool); 56] = [
    ("POST", "/api/auth/sign-up", false),
    ("POST", "/api/auth/sign-up/email", false),
    ("POST", "/api/auth/verify/email", false),
    ("GET", "/api/auth/verify/email", false),
    ("POST", "/api/auth/verify/email/link", false),
    ("POST", "/api/auth/resend/verify/email", false),
    ("POST", "/api/auth/generate-otp", false),
    ("POST", "/api/auth/verify-otp", false),
    ("PATCH", "/api/auth/edit/basic", true),
    ("PATCH", "/api/auth/edit/email", true),
    ("PATCH", "/api/auth/edit/phone", true),
    ("PATCH", "/api/auth/edit/password", true),
    ("GET", "/api/auth/forgot/password", false),
    ("PATCH", "/api/auth/forgot/password", false),
    ("POST", "/api/auth/forgot/password/link", false),
    ("GET", "/api/auth/security/not-me", false),
    ("POST", "/api/auth/security/not-me", false),
    ("GET", "/api/auth/preferences", true),
    ("PATCH", "/api/auth/preferences", true),
    ("GET", "/api/auth/user/events", true),
    ("GET", "/api/auth/user/export", true),
    ("DELETE", "/api/auth/user", true),
    ("POST", "/api/auth/step-up", true),
    ("GET", "/api/auth/mfa", true),
    ("POST", "/api/auth/enable/mfa", true),
    ("POST", "/api/auth/disable/mfa", true),
    ("POST", "/api/auth/mfa/recovery-codes", true),
    ("GET", "/api/auth/trusted-devices", true),
    ("DELETE", "/api/auth/trusted-devices/{id}", true),
    ("POST", "/api/auth/step-up/passkey/options", true),
    ("POST", "/api/auth/sign-in/passkey/options", false),
    ("POST", "/api/auth/sign-in/passkey/verify", false),
    ("GET", "/api/auth/passkeys", true),
    ("PATCH", "/api/auth/passkeys/{id}", true),
    ("DELETE", "/api/auth/passkeys/{id}", true),
    ("POST", "/api/auth/passkeys/register/options", true),
    ("POST", "/api/auth/passkeys/register/verify", true),
    ("POST", "/api/auth/sign-in", false),
    ("POST", "/api/auth/sign-in/email", false),
    ("PATCH", "/api/auth/user/refresh", false),
    ("POST", "/api/auth/user/me", true),
    ("GET", "/api/auth/user/me", true),
    ("DELETE", "/api/auth/user/logout", true),
    ("DELETE", "/api/auth/user/logout-all", true),
    ("GET", "/api/auth/sessions", true),
    ("DELETE", "/api/auth/sessions/{id}", true),
    ("PUT", "/api/admin/users/{id}/status", true),
    ("PUT", "/api/admin/users/{id}/plan", true),
    ("POST", "/api/admin/users/{id}/unlock", true),
    ("GET", "/api/admin/plans", true),
    ("GET", "/api/admin/plans/{id}", true),
    ("PUT", "/api/admin/plans/{id}", true),
    ("DELETE", "/api/admin/plans/{id}", true),
    ("GET", "/.well-known/jwks.json", false),
    ("GET", "/.well-known/oauth-authorization-server", false),
    ("GET", "/api/health", false),
];

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// A route as `METHOD path`.
fn contract() -> BTreeSet<String> {
    let routes = ROUTES.iter();
    routes
        .map(|(method, path, _)| format!("{method} {path}"))
        .collect()
}

/// The path with something in the place of its parameters.
fn concrete(path: &str) -> String {
    path.replace("{id}", "01890a5d-ac96-774b-bcce-b302099a8057")
}

fn method(name: &str) -> Method {
    Method::from_bytes(name.as_bytes()).unwrap()
}

#[tokio::test]
async fn the_service_answers_the_routes_of_the_contract_and_no_other_method_of_theirs() {
    let app = App::start().await;
    let mut methods: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (method, path, _) in ROUTES {
        methods.entry(path).or_default().insert(method);
    }
    for (path, served) in methods {
        for name in METHODS {
            let answer = app.call(method(name), &concrete(path)).send().await;
            if served.contains(name) {
                let status = answer.status.as_u16();
                assert!(![404, 405].contains(&status), "{name} {path}: {status}");
                assert!(status < 500, "{name} {path}: {status}");
            } else {
                let allow = answer.header("allow").expect("an Allow").to_owned();
                let allow: BTreeSet<&str> = allow.split(',').map(str::trim).collect();
                let mut expected = served.clone();
                if expected.contains("GET") {
                    expected.insert("HEAD");
                }
                assert_eq!(allow, expected, "{name} {path}");
                answer.problem(405, "method_not_allowed");
            }
        }
    }
}
