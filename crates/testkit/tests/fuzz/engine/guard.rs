//! Watches a case: what it panics with, whether it ever ends; and leaves its input in a file while it runs.
//! The surprise: a case that does not end cannot be stopped from outside, so the whole process ends, after saying which input it was.

use std::cell::{Cell, RefCell};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Once};
use std::time::Duration;

thread_local! {
    static WATCHED: Cell<bool> = const { Cell::new(false) };
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// A case that is not over by then never is.
const HANGING: Duration = Duration::from_secs(60);

pub struct Guard {
    path: PathBuf,
    file: Option<File>,
    /// Counts beginnings and ends: odd while a case runs.
    turns: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
}

impl Guard {
    pub fn start(name: &str) -> Guard {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let usual = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| match WATCHED.get() {
                true => PANIC.with_borrow_mut(|first| {
                    first.get_or_insert_with(|| info.to_string());
                }),
                false => usual(info),
            }));
        });
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz");
        let _ = std::fs::create_dir_all(&folder);
        let path = folder.join(format!("{name}.current"));
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(&path).ok();
        let guard = Guard { path: path.clone(), file, turns: Arc::default(), over: Arc::default() };
        let (turns, over, name) = (guard.turns.clone(), guard.over.clone(), name.to_owned());
        let watch = move || {
            let mut last = (0, 0);
            while !over.load(Ordering::Relaxed) {
                std::thread::park_timeout(Duration::from_secs(1));
                let turn = turns.load(Ordering::Relaxed);
                last = if turn == last.0 && turn % 2 == 1 { (turn, last.1 + 1) } else { (turn, 0) };
                if last.1 >= HANGING.as_secs() {
                    eprintln!("{name}: a case does not end; its input is in {}", path.display());
                    std::process::abort();
                }
            }
        };
        let _ = std::thread::Builder::new().name("watchdog".into()).spawn(watch);
        guard
    }

    pub fn begin(&mut self, input: &[u8]) {
        if let Some(file) = &self.file {
            let _ = file.set_len(input.len() as u64).and_then(|()| file.write_all_at(input, 0));
        }
        self.turns.fetch_add(1, Ordering::Relaxed);
        WATCHED.set(true);
    }

    /// The first panic of the case, also one that a runtime caught.
    pub fn end(&mut self) -> Option<String> {
        WATCHED.set(false);
        self.turns.fetch_add(1, Ordering::Relaxed);
        PANIC.with_borrow_mut(Option::take)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let _ = std::fs::remove_file(&self.path);
    }
}

/// What this thread has had of processors.
pub fn processor_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split_whitespace().next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0))
}
