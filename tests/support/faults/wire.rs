//! A stretch of network that passes HTTP calls on, and does to them what it is told to.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What becomes of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It arrives, and its answer too.
    None,
    /// It takes this long to arrive.
    Delay(Duration),
    /// It is lost on its way; the connection breaks.
    LostBefore,
    /// It arrives and does its work; the answer is lost, and the connection breaks.
    LostAfter,
    /// It arrives and does its work; the connection breaks in the middle of the answer.
    CutReply,
    /// It does not arrive, and nothing breaks either.
    Silence,
    /// It is answered by this status and error code, and does no work.
    Error(u16, &'static str),
    /// It is answered by this JSON body, and does no work.
    Answer(&'static str),
    /// The caller dies before the call has arrived.
    KillBefore,
    /// The call arrives and does its work; the caller dies before the answer is there.
    KillAfter,
}

/// A call as the network sees it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Which one it is since the rule was made, from 1 on.
    pub number: usize,
    /// The operation, such as `GetItem`; the path, where the service has no such name.
    pub operation: String,
    /// What it asks, as it is sent.
    pub body: String,
}

impl Seen {
    /// Whether it reads, and would take an answer that is not of this moment.
    pub fn takes_stale(&self) -> bool {
        let reads = ["GetItem", "BatchGetItem", "Query", "Scan"];
        reads.contains(&self.operation.as_str()) && !self.body.contains("\"ConsistentRead\":true")
    }
}

/// Says what becomes of each call.
pub struct Rule(Box<dyn FnMut(&Seen) -> Fault + Send>);

impl Rule {
    /// Decides by what it sees.
    pub fn of(rule: impl FnMut(&Seen) -> Fault + Send + 'static) -> Self {
        Self(Box::new(rule))
    }

    /// Everything arrives.
    pub fn none() -> Self {
        Self::of(|_| Fault::None)
    }

    /// The same for every call.
    pub fn every(fault: Fault) -> Self {
        Self::of(move |_| fault.clone())
    }

    /// For the n-th call alone.
    pub fn nth(n: usize, fault: Fault) -> Self {
        Self::of(move |seen| {
            if seen.number == n {
                fault.clone()
            } else {
                Fault::None
            }
        })
    }

    /// For the first n calls.
    pub fn first(n: usize, fault: Fault) -> Self {
        Self::of(move |seen| {
            if seen.number <= n {
                fault.clone()
            } else {
                Fault::None
            }
        })
    }

    /// For so many of a thousand calls, drawn by this seed.
    pub fn some(per_thousand: u64, seed: u64, faults: &[Fault]) -> Self {
        let faults = faults.to_vec();
        let mut draw = chance(seed);
        Self::of(move |_| {
            if draw() % 1000 >= per_thousand {
                return Fault::None;
            }
            let which = usize::try_from(draw() % 1_000_000).unwrap_or(0);
            faults[which % faults.len()].clone()
        })
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rule")
    }
}

/// Numbers that look drawn and are the same for the same seed (`SplitMix64`).
pub fn chance(seed: u64) -> impl FnMut() -> u64 + Send {
    let mut state = seed;
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// A stretch of network. It is there before what it leads to.
#[derive(Debug)]
pub struct Wire {
    shared: Arc<Shared>,
    port: u16,
    _tasks: JoinSet<()>,
}

#[derive(Debug)]
struct Shared {
    target: OnceLock<String>,
    traffic: Mutex<Traffic>,
    /// How many calls there were since the rule was made.
    count: watch::Sender<usize>,
    killed: watch::Sender<bool>,
    /// How often all connections have been cut.
    cuts: watch::Sender<usize>,
    /// How many connections there are.
    open: watch::Sender<usize>,
}

#[derive(Debug)]
struct Traffic {
    rule: Rule,
    seen: Vec<String>,
}

impl Wire {
    /// One that leads nowhere yet.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let shared = Arc::new(Shared {
            target: OnceLock::new(),
            traffic: Mutex::new(Traffic {
                rule: Rule::none(),
                seen: Vec::new(),
            }),
            count: watch::Sender::new(0),
            killed: watch::Sender::new(false),
            cuts: watch::Sender::new(0),
            open: watch::Sender::new(0),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, shared.clone()));
        Self {
            shared,
            port,
            _tasks: tasks,
        }
    }

    /// Leads to this URL from here on. The URL that leads there by this wire.
    pub(super) fn to(&self, url: &str) -> String {
        let address = url.strip_prefix("http://").expect("a plain URL");
        let known = self.shared.target.set(address.to_owned());
        assert_eq!(known, Ok(()), "a wire has one end");
        format!("http://127.0.0.1:{}", self.port)
    }

    /// From now on calls go by this rule, and are counted anew.
    pub fn faults(&self, rule: Rule) {
        let mut traffic = self.shared.traffic();
        traffic.rule = rule;
        traffic.seen.clear();
        self.shared.count.send_replace(0);
    }

    /// The operations that were called since the rule was made.
    pub fn seen(&self) -> Vec<String> {
        self.shared.traffic().seen.clone()
    }

    /// Returns when there have been so many calls since the rule was made.
    pub async fn has_seen(&self, calls: usize) {
        let mut count = self.shared.count.subscribe();
        let seen = count.wait_for(|count| *count >= calls).await;
        seen.expect("the wire is there");
    }

    /// Closes all connections from this end, and tells how many that were. New ones work.
    pub async fn cut(&self) -> usize {
        let open = *self.shared.open.borrow();
        self.shared.cuts.send_modify(|cuts| *cuts += 1);
        let mut left = self.shared.open.subscribe();
        let closed = left.wait_for(|open| *open == 0).await;
        closed.expect("the wire is there");
        open
    }

    /// Returns when the rule wants the caller dead.
    pub async fn killed(&self) {
        let mut killed = self.shared.killed.subscribe();
        let dead = killed.wait_for(|killed| *killed).await;
        dead.expect("the wire is there");
    }
}

impl Shared {
    fn traffic(&self) -> std::sync::MutexGuard<'_, Traffic> {
        self.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn judge(&self, call: &[u8]) -> Fault {
        let (operation, body) = read_call(call);
        let mut traffic = self.traffic();
        traffic.seen.push(operation.clone());
        let seen = Seen {
            number: traffic.seen.len(),
            operation,
            body,
        };
        let fault = (traffic.rule.0)(&seen);
        self.count.send_replace(seen.number);
        fault
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        shared.open.send_modify(|open| *open += 1);
        let (shared, mut cuts) = (shared.clone(), shared.cuts.subscribe());
        connections.spawn(async move {
            tokio::select! {
                () = serve(client, &shared) => {}
                _ = cuts.changed() => {}
            }
            shared.open.send_modify(|open| *open -= 1);
        });
    }
}

/// Passes on the calls of one connection until it breaks.
async fn serve(mut client: TcpStream, shared: &Shared) {
    let _ = client.set_nodelay(true);
    let mut server = None;
    while let Some(call) = read_message(&mut client).await {
        if *shared.killed.borrow() {
            return std::future::pending().await;
        }
        let reply = match shared.judge(&call) {
            Fault::None => pass(&call, &mut server, shared).await,
            Fault::Delay(delay) => {
                wait(delay).await;
                pass(&call, &mut server, shared).await
            }
            Fault::LostBefore => return,
            Fault::LostAfter => {
                pass(&call, &mut server, shared).await;
                return;
            }
            Fault::CutReply => {
                if let Some(reply) = pass(&call, &mut server, shared).await {
                    let _ = client.write_all(&reply[..reply.len() - 1]).await;
                }
                return;
            }
            Fault::Silence => return std::future::pending().await,
            Fault::Error(status, code) if is_query(&call) => Some(query_error(status, code)),
            Fault::Error(status, code) => Some(error(status, code)),
            Fault::Answer(body) => Some(json(200, "", body)),
            Fault::KillBefore => {
                shared.killed.send_replace(true);
                return std::future::pending().await;
            }
            Fault::KillAfter => {
                pass(&call, &mut server, shared).await;
                shared.killed.send_replace(true);
                return std::future::pending().await;
            }
        };
        let Some(reply) = reply else { return };
        if client.write_all(&reply).await.is_err() {
            return;
        }
    }
}

/// The answer to a call; nothing where the other side is gone.
async fn pass(call: &[u8], server: &mut Option<TcpStream>, shared: &Shared) -> Option<Vec<u8>> {
    if server.is_none() {
        let target = shared.target.get().expect("an end of the wire");
        let stream = TcpStream::connect(target).await.ok()?;
        let _ = stream.set_nodelay(true);
        *server = Some(stream);
    }
    let stream = server.as_mut()?;
    stream.write_all(call).await.ok()?;
    read_message(stream).await
}

/// One HTTP/1.1 message of a length that its head tells; nothing at the end of the connection.
async fn read_message(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut message = Vec::new();
    let mut whole = None;
    loop {
        if whole.is_none()
            && let Some(end) = message.windows(4).position(|four| four == b"\r\n\r\n")
        {
            let head = std::str::from_utf8(&message[..end]).expect("a head in ASCII");
            let length = header(head, "content-length").map_or(0, |length| {
                length.parse::<usize>().expect("a length in digits")
            });
            assert!(
                header(head, "transfer-encoding").is_none(),
                "nobody here sends in chunks"
            );
            whole = Some(end + 4 + length);
        }
        if whole.is_some_and(|whole| message.len() >= whole) {
            return Some(message);
        }
        if !matches!(stream.read_buf(&mut message).await, Ok(1..)) {
            return None;
        }
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().skip(1).find_map(|line| {
        let (known, value) = line.split_once(':')?;
        known.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// The operation that a call names, and what it asks.
fn read_call(call: &[u8]) -> (String, String) {
    let call = String::from_utf8_lossy(call);
    let (head, body) = call.split_once("\r\n\r\n").unwrap_or((&call, ""));
    let target = header(head, "x-amz-target").and_then(|target| target.split_once('.'));
    let path = head.split_whitespace().nth(1).unwrap_or_default();
    let operation = target.map_or(path, |(_, operation)| operation);
    (operation.to_owned(), body.to_owned())
}

/// Whether a call is of the Query protocol, which SNS speaks.
fn is_query(call: &[u8]) -> bool {
    let (_, body) = read_call(call);
    body.starts_with("Action=")
}

fn query_error(status: u16, code: &str) -> Vec<u8> {
    let body = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>injected</Message>\
         </Error><RequestId>injected</RequestId></ErrorResponse>"
    );
    let length = body.len();
    format!(
        "HTTP/1.1 {status} Injected\r\ncontent-type: text/xml\r\ncontent-length: {length}\r\n\r\n\
         {body}"
    )
    .into_bytes()
}

/// An answer in JSON, with the code of an error or none.
fn json(status: u16, code: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let code = if code.is_empty() {
        String::new()
    } else {
        format!("x-amzn-errortype: {code}\r\n")
    };
    format!(
        "HTTP/1.1 {status} Injected\r\ncontent-type: application/x-amz-json-1.0\r\n{code}\
         content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// An error as DynamoDB words it. Why a transaction was cancelled is said for each of its writes.
fn error(status: u16, code: &str) -> Vec<u8> {
    const CANCELLED: &str = "TransactionCanceledException/";
    let (code, reasons) = match code.strip_prefix(CANCELLED) {
        Some(reason) => {
            let reason = format!("{{\"Code\":\"{reason}\"}}");
            let reasons = vec![reason; 8].join(",");
            (
                "TransactionCanceledException",
                format!(",\"CancellationReasons\":[{reasons}]"),
            )
        }
        None => (code, String::new()),
    };
    let body = format!(
        "{{\"__type\":\"com.amazonaws.dynamodb.v20120810#{code}\",\"message\":\"injected\"{reasons}}}"
    );
    json(status, code, &body)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a slow network is slow by the machine's clock"
)]
async fn wait(delay: Duration) {
    tokio::time::sleep(delay).await;
}
