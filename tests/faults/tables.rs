//! What the tables say, and what must be true of them whatever happened (the invariants I1, I5 and
//! I6 of the reliability reference).

use std::collections::{HashMap, HashSet};

use latchkey_tests::App;
use serde_json::Value;

/// All rows of all tables.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Tables {
    users: Vec<Row>,
    sessions: Vec<Row>,
    tokens: Vec<Row>,
    events: Vec<Row>,
}

type Row = HashMap<String, Value>;

/// A move of an account, as its event tells of it.
struct Moved<'a> {
    to: &'a str,
    version: f64,
    ends_sessions: bool,
}

fn text<'a>(row: &'a Row, name: &str) -> &'a str {
    row.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn is(row: &Row, name: &str) -> bool {
    row.get(name).and_then(Value::as_bool).unwrap_or(false)
}

impl Tables {
    /// The tables as they are now, read past all faults.
    pub(crate) async fn of(app: &App) -> Self {
        let client = aws_sdk_dynamodb::Client::new(&app.stack.aws());
        let rows = async |table: &str| {
            let scan = client.scan().table_name(table).consistent_read(true);
            let mut items = scan.into_paginator().items().send();
            let mut rows: Vec<(String, Row)> = Vec::new();
            while let Some(item) = items.next().await {
                let row: Row = serde_dynamo::from_item(item.unwrap()).unwrap();
                let key = format!("{} {}", text(&row, "pk"), text(&row, "sk"));
                rows.push((key, row));
            }
            rows.sort_by(|a, b| a.0.cmp(&b.0));
            rows.into_iter().map(|(_, row)| row).collect()
        };
        Self {
            users: rows("latchkey-users").await,
            sessions: rows("latchkey-sessions").await,
            tokens: rows("latchkey-tokens").await,
            events: rows("latchkey-events").await,
        }
    }

    fn profiles(&self) -> impl Iterator<Item = &Row> {
        self.users.iter().filter(|row| text(row, "sk") == "profile")
    }

    fn claims<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Row> {
        let prefix = format!("claim#{kind}");
        let all = self.users.iter();
        all.filter(move |row| text(row, "pk").starts_with(&prefix))
    }

    /// The events of this type that happened to this user.
    pub(crate) fn events<'a>(
        &'a self,
        user: &'a str,
        kind: &'a str,
    ) -> impl Iterator<Item = &'a Row> {
        let all = self.events.iter();
        all.filter(move |row| text(row, "userId") == user && text(row, "type") == kind)
    }

    /// Where this user's account stands.
    pub(crate) fn status(&self, id: &str) -> &str {
        let user = self.profiles().find(|row| text(row, "id") == id);
        user.map(|row| text(row, "status")).unwrap_or_default()
    }

    /// How many events there are.
    pub(crate) fn all_events(&self) -> usize {
        self.events.len()
    }

    /// How many accounts with this address are active.
    pub(crate) fn active(&self, email: &str) -> usize {
        let active = self.profiles();
        let active = active.filter(|row| text(row, "email") == email);
        active.filter(|row| text(row, "status") == "active").count()
    }

    /// How many sign-ups there were, by the address that they were for.
    pub(crate) fn sign_ups(&self) -> HashMap<&str, usize> {
        let mut sign_ups: HashMap<&str, usize> = HashMap::new();
        for user in self.profiles() {
            *sign_ups.entry(text(user, "email")).or_default() += 1;
        }
        sign_ups
    }

    /// The ids of all sessions that there are.
    pub(crate) fn sessions(&self) -> HashSet<&str> {
        self.sessions.iter().map(|row| text(row, "sk")).collect()
    }

    /// How many events say that this session began, and how many that it ended.
    pub(crate) fn story(&self, session: &str) -> (usize, usize) {
        let says = |names: &[&str]| {
            let events = self.events.iter();
            let named = events.filter(|row| {
                let data = row.get("data").unwrap_or(&Value::Null);
                names.iter().any(|name| match &data[*name] {
                    Value::String(id) => id == session,
                    Value::Array(ids) => ids.iter().any(|id| id == session),
                    _ => false,
                }) && text(row, "type") != "session.stepped_up"
            });
            named.count()
        };
        let reused = self.events.iter().filter(|row| {
            text(row, "type") == "session.refresh_token_reused"
                && row["data"]["sessionId"] == session
        });
        let reused = reused.count();
        (
            says(&["sessionId"]) - reused,
            says(&["sessionIds", "evicted"]) + reused,
        )
    }

    /// How many tries of codes of this purpose were counted, by line and day, fewest first.
    pub(crate) fn tries(&self, purpose: &str) -> Vec<String> {
        let prefix = format!("line#{purpose}#");
        let lines = self.tokens.iter();
        let lines = lines.filter(|row| text(row, "pk").starts_with(&prefix));
        let counts = lines.filter_map(|row| row.get("count"));
        let mut counts: Vec<String> = counts.map(Value::to_string).collect();
        counts.sort();
        counts
    }

    /// Claims what is always true.
    #[track_caller]
    pub(crate) fn hold(&self, case: &str) {
        let ids: HashSet<&str> = self.profiles().map(|row| text(row, "id")).collect();
        for claim in self.claims("") {
            let user = text(claim, "userId");
            assert!(ids.contains(user), "{case}: nobody's claim {claim:?}");
        }
        for user in self.profiles() {
            self.holds_claims(user, case);
            self.has_its_events(user, case);
        }
        for session in &self.sessions {
            let user = text(session, "pk");
            assert!(ids.contains(user), "{case}: nobody's session {session:?}");
            let (began, ended) = self.story(text(session, "sk"));
            assert_eq!((began, ended), (1, 0), "{case}: {session:?}");
        }
        self.used_once(case);
    }

    /// No user without their claims.
    fn holds_claims(&self, user: &Row, case: &str) {
        let id = text(user, "id");
        let mine = |kind: &str| {
            let mut claims = self.claims(kind);
            claims.any(|claim| text(claim, "userId") == id && !claim.contains_key("heldUntil"))
        };
        let address = format!("email#{}", text(user, "email"));
        if is(user, "shadow") {
            assert!(mine("shadow"), "{case}: {user:?}");
        } else if text(user, "status") == "pending" {
            assert_ne!(self.claims(&address).count(), 0, "{case}: {user:?}");
        } else {
            assert!(mine(&address), "{case}: {user:?}");
        }
        if user.contains_key("username") {
            assert!(mine("username"), "{case}: {user:?}");
        }
        if is(user, "holdsPhone") {
            assert!(mine("phone"), "{case}: {user:?}");
        }
    }

    /// Each change of a user is told of once.
    fn has_its_events(&self, user: &Row, case: &str) {
        let id = text(user, "id");
        let count = |kind: &str| self.events(id, kind).count();
        let verified = usize::from(text(user, "status") != "pending");
        assert_eq!(count("user.email_verified"), verified, "{case}: {user:?}");
        let changes = count("user.password_changed")
            + count("user.email_changed")
            + count("user.phone_changed")
            + count("user.change_rejected")
            + self.moves(id).filter(|moved| moved.ends_sessions).count();
        let epoch = user.get("epoch").and_then(Value::as_f64).unwrap_or(0.0);
        assert_eq!(format!("{epoch}"), changes.to_string(), "{case}: {user:?}");
        assert_eq!(count("user.deleted"), 0, "{case}: {user:?}");
        self.stands_as_told(user, case);
    }

    /// The moves of a user's account by admins.
    fn moves<'a>(&'a self, id: &'a str) -> impl Iterator<Item = Moved<'a>> {
        let moves = self.events(id, "user.status_changed");
        moves.map(|row| {
            let data = &row["data"];
            Moved {
                to: data["to"].as_str().unwrap_or_default(),
                version: data["version"].as_f64().unwrap_or_default(),
                ends_sessions: data["allUntil"].is_string(),
            }
        })
    }

    /// An account stands where the last event that tells of a move says.
    fn stands_as_told(&self, user: &Row, case: &str) {
        let moves = self.moves(text(user, "id"));
        let last = moves.max_by(|a, b| a.version.total_cmp(&b.version));
        let status = text(user, "status");
        match last {
            Some(last) => {
                assert_eq!(status, last.to, "{case}: {user:?}");
                let version = user.get("statusVersion").and_then(Value::as_f64);
                assert_eq!(version, Some(last.version), "{case}: {user:?}");
            }
            None => {
                let own = ["pending", "active", "security_issue"];
                assert!(own.contains(&status), "{case}: {user:?}");
            }
        }
    }

    /// Of a token that was used, something came, once.
    fn used_once(&self, case: &str) {
        let mut used: HashMap<(&str, &str), usize> = HashMap::new();
        for token in self.tokens.iter().filter(|token| is(token, "consumed")) {
            let key = (text(token, "userId"), text(token, "purpose"));
            *used.entry(key).or_default() += 1;
        }
        for ((user, purpose), times) in used {
            let event = match purpose {
                "verify_email" => "user.email_verified",
                "reset_password" | "change_password" => "user.password_changed",
                "change_email" => "user.email_changed",
                "change_phone" => "user.phone_changed",
                _ => continue,
            };
            let came = self.events(user, event).count();
            assert!(
                times <= came,
                "{case}: {times} of {purpose}, {came} of {event}"
            );
        }
    }
}
