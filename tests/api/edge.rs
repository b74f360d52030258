//! What holds for every route: headers, limits, content types, CORS, and who is believed.

mod bodies;
mod cors;
mod headers;
mod origin;
mod paths;

use latchkey_tests::App;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Sends these bytes as they are, and gives the answer as it came.
async fn raw(app: &App, request: &[u8]) -> String {
    let url = app.stack.url();
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

/// A request for `target`, as bytes, for which no client makes sense of the target first.
fn post_to(target: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// The status of a raw answer.
fn status_of(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}
