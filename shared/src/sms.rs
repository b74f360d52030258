//! SMS: their way out through SNS, and what keeps them from costing a fortune.
//!
//! Every SMS is paid for, and there are people who earn by each that reaches their numbers (SMS
//! pumping). So an SMS has to pass three doors: [`SmsPolicy`] says which numbers there are at all,
//! [`SmsLimits`](crate::http::SmsLimits) how often somebody may ask, and [`SmsBudget`] how many go
//! out in an hour whatever happens. What can't be counted is not sent.

mod budget;
mod policy;
mod sender;

pub use self::budget::SmsBudget;
pub use self::policy::SmsPolicy;
pub use self::sender::{SmsError, SmsSender};
