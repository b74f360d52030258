//! A service that can be killed at any moment, and comes back on what it had kept.

use std::fs;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use latchkey_local::Options;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use super::Faults;
use crate::app::App;

/// How long the threads of a killed service may take to notice.
const LAST_BREATH: Duration = Duration::from_secs(10);

/// What every service here is told: tokens outlive its port, and a hash costs as little as may be.
const SETTINGS: [(&str, &str); 4] = [
    ("PUBLIC_URL", "https://id.example.com"),
    ("ARGON2_MEMORY_KIB", "12288"),
    ("ARGON2_ITERATIONS", "3"),
    ("ARGON2_PARALLELISM", "1"),
];

/// One life of a service, from its start to its end. It has a runtime of its own, so that nothing
/// of it goes on when it is killed: no request, no connection, no task.
#[expect(
    missing_debug_implementations,
    reason = "nobody prints a whole service"
)]
pub struct Life {
    /// The service.
    pub app: App,
    /// The network around it.
    pub faults: Arc<Faults>,
    /// There until the service ends.
    runtime: Option<Runtime>,
}

impl Life {
    /// A service that keeps everything in this directory, and finds there what an earlier one kept.
    pub async fn on(data: &Path) -> Self {
        Self::of(Options {
            data: Some(data.to_owned()),
            ..Options::default()
        })
        .await
    }

    /// A service of these options, with this module's settings and network.
    pub async fn of(mut options: Options) -> Self {
        let faults = Arc::new(Faults::start().await);
        options.detour = Some(faults.clone());
        let own = SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned()));
        options.settings.splice(0..0, own);
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let app = runtime.spawn(App::of(options)).await;
        Self {
            app: app.expect("the stack starts"),
            faults,
            runtime: Some(runtime),
        }
    }

    /// Stops everything in it until what this gives is dropped, as Lambda freezes a function
    /// between two requests: no task runs, no timer, and nothing hears of a connection's end.
    pub async fn freeze(&self) -> Frozen {
        let runtime = self.runtime.as_ref().expect("it is alive");
        let (frozen, is_frozen) = oneshot::channel();
        let (thaw, thawed) = mpsc::channel::<()>();
        runtime.spawn(async move {
            let _ = frozen.send(());
            // It has one worker, which waits here. Nothing is ever sent.
            let _ = thawed.recv();
        });
        is_frozen.await.expect("its worker is frozen");
        Frozen { _thaw: thaw }
    }

    /// Ends it in the middle of whatever it does. What it has kept is there for the next.
    pub async fn kill(mut self) {
        let runtime = self.runtime.take();
        let killing = tokio::task::spawn_blocking(move || {
            if let Some(runtime) = runtime {
                runtime.shutdown_timeout(LAST_BREATH);
            }
        });
        killing.await.expect("the service is gone");
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A service that is frozen as long as this is there.
#[derive(Debug)]
#[must_use]
pub struct Frozen {
    _thaw: mpsc::Sender<()>,
}

/// What a service kept, of which any number of others can begin.
#[derive(Debug)]
pub struct Template {
    data: TempDir,
}

impl Template {
    /// A place for it, in memory where the system has a file system there.
    pub fn new() -> Self {
        Self { data: directory() }
    }

    /// Where the service keeps it.
    pub fn path(&self) -> &Path {
        self.data.path()
    }

    /// The same once more, elsewhere.
    pub fn copy(&self) -> TempDir {
        let copy = directory();
        let files = fs::read_dir(self.path()).expect("the files of a service");
        for file in files {
            let file = file.expect("a file");
            let to = copy.path().join(file.file_name());
            fs::copy(file.path(), to).expect("a copy");
        }
        copy
    }
}

impl Default for Template {
    fn default() -> Self {
        Self::new()
    }
}

fn directory() -> TempDir {
    let in_memory = Path::new("/dev/shm");
    let directory = if in_memory.is_dir() {
        tempfile::tempdir_in(in_memory)
    } else {
        tempfile::tempdir()
    };
    directory.expect("a directory")
}
