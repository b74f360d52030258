//! Wires the function to Lambda.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use latchkey_janitor::State;
use latchkey_shared::platform::Platform;
use latchkey_shared::telemetry;
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let platform = Platform::from_process().await?;
    telemetry::init(&platform.env, false);
    let state = &State::open(&platform).await?;
    // What the schedule says does not matter: there is but one, and all is done each time.
    run(service_fn(|event: LambdaEvent<Value>| async move {
        Ok::<_, Error>(state.clean(&event.context.request_id).await?)
    }))
    .await
}
