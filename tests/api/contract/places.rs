//! Every place that lists the routes lists the same.

use std::collections::{BTreeMap, BTreeSet};

use serde_yaml_ng::Value;

use super::contract;

const TEMPLATE: &str = include_str!("../../../template.yaml");
const WORKSPACE: &str = include_str!("../../../Cargo.toml");

/// The functions that answer HTTP, with the source of their routers.
const FUNCTIONS: [(&str, &str); 5] = [
    (
        "accounts",
        include_str!("../../../functions/accounts/src/lib.rs"),
    ),
    (
        "sessions",
        include_str!("../../../functions/sessions/src/lib.rs"),
    ),
    (
        "profile",
        include_str!("../../../functions/profile/src/lib.rs"),
    ),
    ("admin", include_str!("../../../functions/admin/src/lib.rs")),
    (
        "federation",
        include_str!("../../../functions/federation/src/lib.rs"),
    ),
];

/// The function that answers what is nobody's route.
const DEFAULT: (&str, &str) = ("$default", "federation");

/// A value without its tag, such as `!Ref`.
fn untagged(value: &Value) -> &Value {
    match value {
        Value::Tagged(tagged) => &tagged.value,
        value => value,
    }
}

/// The resources of a type, by their names.
fn resources(kind: &str) -> BTreeMap<String, Value> {
    let template: Value = serde_yaml_ng::from_str(TEMPLATE).unwrap();
    let resources = template["Resources"].as_mapping().unwrap();
    resources
        .iter()
        .filter(|(_, resource)| resource["Type"] == kind)
        .map(|(name, resource)| {
            let name = name.as_str().unwrap().to_owned();
            (name, resource["Properties"].clone())
        })
        .collect()
}

/// Which function answers each route key of the template, by the directory of its binary.
fn template() -> BTreeMap<String, String> {
    let functions = resources("AWS::Serverless::Function");
    let integrations = resources("AWS::ApiGatewayV2::Integration");
    let function_of = |target: &Value| -> String {
        let target = untagged(target).as_str().unwrap();
        let integration = target
            .strip_prefix("integrations/${")
            .and_then(|rest| rest.strip_suffix('}'))
            .unwrap_or_else(|| panic!("a target is {target}"));
        let uri = untagged(&integrations[integration]["IntegrationUri"]);
        let function = uri.as_str().unwrap().strip_suffix(".Arn").unwrap();
        let code = functions[function]["CodeUri"].as_str().unwrap();
        let binary = code.trim_end_matches('/').rsplit('/').next().unwrap();
        binary.to_owned()
    };
    let routes = resources("AWS::ApiGatewayV2::Route");
    let count = routes.len();
    let routes: BTreeMap<String, String> = routes
        .into_values()
        .map(|route| {
            let key = route["RouteKey"].as_str().unwrap().to_owned();
            (key, function_of(&route["Target"]))
        })
        .collect();
    assert_eq!(routes.len(), count, "a route key comes twice");
    routes
}

/// Which function's router has each route, as its source says.
fn routers() -> BTreeMap<String, String> {
    let mut routes = BTreeMap::new();
    for (function, source) in FUNCTIONS {
        let source: String = source.split_whitespace().collect();
        for route in source.split(".route(\"").skip(1) {
            let (path, rest) = route.split_once("\",").unwrap();
            for method in methods_of(rest) {
                let known = routes.insert(format!("{method} {path}"), function.to_owned());
                assert_eq!(known, None, "{method} {path} is served twice");
            }
        }
    }
    routes
}

/// The methods of `get(handler).post(handler),)…`, up to the parenthesis that ends the route.
fn methods_of(chain: &str) -> Vec<String> {
    let mut methods = Vec::new();
    let mut word = String::new();
    let mut depth = 0_i32;
    for c in chain.chars() {
        match c {
            '(' => {
                if depth == 0 {
                    methods.push(word.to_uppercase());
                }
                depth += 1;
            }
            ')' if depth == 0 => break,
            ')' => depth -= 1,
            _ => {}
        }
        if c.is_ascii_lowercase() {
            word.push(c);
        } else {
            word.clear();
        }
    }
    methods
}

/// Which function `cargo lambda watch` sends each path to.
fn watched() -> BTreeMap<String, String> {
    let (_, section) = WORKSPACE
        .split_once("[workspace.metadata.lambda.watch.router]")
        .unwrap();
    let (section, _) = section.split_once("\n[").unwrap();
    section
        .lines()
        .filter(|line| line.starts_with('"'))
        .map(|line| {
            let parts: Vec<&str> = line.split('"').collect();
            (parts[1].to_owned(), parts[3].to_owned())
        })
        .collect()
}

fn path_of(route: &str) -> &str {
    route.split_once(' ').unwrap().1
}

#[test]
fn the_template_has_the_routes_of_the_contract() {
    let mut routes: BTreeSet<String> = template().into_keys().collect();
    assert!(routes.remove(DEFAULT.0), "no $default");
    assert_eq!(routes, contract());
}

#[test]
fn the_template_sends_each_route_to_the_function_that_has_it() {
    let mut routes = template();
    assert_eq!(routes.remove(DEFAULT.0).as_deref(), Some(DEFAULT.1));
    assert_eq!(routes, routers());
}

#[test]
fn every_router_of_the_repository_is_looked_at() {
    let functions = resources("AWS::Serverless::Function");
    let integrations = resources("AWS::ApiGatewayV2::Integration");
    let behind: BTreeSet<String> = integrations
        .values()
        .map(|integration| {
            let uri = untagged(&integration["IntegrationUri"]).as_str().unwrap();
            let code = &functions[uri.strip_suffix(".Arn").unwrap()]["CodeUri"];
            let code = code.as_str().unwrap().trim_end_matches('/');
            code.rsplit('/').next().unwrap().to_owned()
        })
        .collect();
    let looked_at: BTreeSet<String> = FUNCTIONS.iter().map(|(n, _)| (*n).to_owned()).collect();
    assert_eq!(behind, looked_at);
}

#[test]
fn every_integration_may_call_its_function() {
    let permissions = resources("AWS::Lambda::Permission");
    let allowed: BTreeSet<String> = permissions
        .values()
        .filter(|permission| permission["Principal"] == "apigateway.amazonaws.com")
        .map(|permission| untagged(&permission["FunctionName"]))
        .map(|name| name.as_str().unwrap().to_owned())
        .collect();
    for (name, integration) in resources("AWS::ApiGatewayV2::Integration") {
        let uri = untagged(&integration["IntegrationUri"]).as_str().unwrap();
        let function = uri.strip_suffix(".Arn").unwrap();
        assert!(allowed.contains(function), "{name}");
    }
}

#[test]
fn routes_that_hash_a_password_have_a_ceiling_of_their_own() {
    let stages = resources("AWS::ApiGatewayV2::Stage");
    let settings = stages["HttpApiStage"]["RouteSettings"]
        .as_mapping()
        .unwrap();
    let held: BTreeSet<&str> = settings.keys().map(|key| key.as_str().unwrap()).collect();
    let hashing = [
        "DELETE /api/auth/user",
        "PATCH /api/auth/edit/password",
        "PATCH /api/auth/forgot/password",
        "POST /api/auth/sign-in",
        "POST /api/auth/sign-in/email",
        "POST /api/auth/sign-up",
        "POST /api/auth/sign-up/email",
        "POST /api/auth/step-up",
    ];
    assert_eq!(held, BTreeSet::from(hashing));
    assert!(hashing.iter().all(|route| contract().contains(*route)));
}

#[test]
fn cargo_lambda_watch_has_the_paths_of_the_template() {
    let mut expected: BTreeMap<String, String> = BTreeMap::new();
    for (route, function) in template() {
        if route == DEFAULT.0 {
            expected.insert("/{*path}".to_owned(), function);
        } else {
            expected.insert(path_of(&route).to_owned(), function);
        }
    }
    assert_eq!(watched(), expected);
}
