//! Wires the function to Lambda.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use latchkey_courier::{State, invoke};
use latchkey_shared::platform::Platform;
use latchkey_shared::telemetry;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let platform = Platform::from_process().await?;
    telemetry::init(&platform.env, false);
    let state = &State::open(&platform).await?;
    run(service_fn(|event: LambdaEvent<_>| async move {
        Ok::<_, Error>(invoke(state, event.payload).await?)
    }))
    .await
}
