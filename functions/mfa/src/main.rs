//! Wires the function to Lambda.

use latchkey_mfa::{State, router};
use latchkey_shared::http::{edge, serve};
use latchkey_shared::platform::Platform;
use latchkey_shared::telemetry;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    let platform = Platform::from_process().await?;
    telemetry::init(&platform.env, false);
    let state = State::open(&platform).await?;
    serve(edge(router(state), &platform)?).await
}
