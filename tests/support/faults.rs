//! Faults of the network between the functions and AWS, and of the functions themselves.

mod life;
mod wire;

pub use life::{Frozen, Life, Template};
pub use wire::{Fault, Rule, Seen, Wire, chance};

use latchkey_local::{Detour, Endpoints};

/// The stretches of network between the functions and AWS, each with faults of its own.
#[derive(Debug)]
pub struct Faults {
    /// Between the functions that answer HTTP and DynamoDB.
    pub store: Wire,
    /// Between `courier` and DynamoDB.
    pub courier_store: Wire,
    /// Between `courier` and SES, SNS and Secrets Manager.
    pub messages: Wire,
}

impl Faults {
    /// A network that is well.
    pub async fn start() -> Self {
        Self {
            store: Wire::start().await,
            courier_store: Wire::start().await,
            messages: Wire::start().await,
        }
    }

    /// The same rule for both ways to DynamoDB.
    pub fn on_dynamodb(&self, rule: impl Fn() -> Rule) {
        self.store.faults(rule());
        self.courier_store.faults(rule());
    }

    /// All is well again.
    pub fn lift(&self) {
        for wire in [&self.store, &self.courier_store, &self.messages] {
            wire.faults(Rule::none());
        }
    }
}

impl Detour for Faults {
    fn of_functions(&self, straight: &Endpoints) -> Endpoints {
        Endpoints {
            dynamodb: self.store.to(&straight.dynamodb),
            capture: straight.capture.clone(),
        }
    }

    fn of_courier(&self, straight: &Endpoints) -> Endpoints {
        Endpoints {
            dynamodb: self.courier_store.to(&straight.dynamodb),
            capture: self.messages.to(&straight.capture),
        }
    }
}
