//! The log of a machine's processes: lines on standard error, which whoever started them keeps.

use tracing_subscriber::EnvFilter;

/// Once per process; a second call changes nothing. `GRIGRI_LOG` chooses, as in `debug` or `agent=trace`.
pub fn start() {
    let filter =
        EnvFilter::try_from_env("GRIGRI_LOG").unwrap_or_else(|_| EnvFilter::new("info,russh=warn,russh_sftp=off"));
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(std::io::stderr).try_init();
}
