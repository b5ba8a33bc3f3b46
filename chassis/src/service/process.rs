//! One service as a process: flags, signals, exit codes.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{Blueprint, BuildError, StartError};
use crate::config::Config;
use crate::telemetry;

const USAGE: &str = "flags: --config FILE  --print-config  --migrate\n";

/// What the command line asks for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Flags {
    config: Option<PathBuf>,
    print_config: bool,
    migrate: bool,
}

/// Runs the service until SIGTERM or SIGINT, and drains.
///
/// `--config FILE` (or `FETTLE_CONFIG`) lays a file over the defaults; `--print-config` prints
/// the effective configuration and ends; `--migrate` brings the schema up to date and ends. Exit
/// code 2: the command line or the configuration is refused; 1: anything else went wrong.
pub fn main(blueprint: &Blueprint) -> ExitCode {
    let flags = match read_flags(std::env::args().skip(1)) {
        Ok(flags) => flags,
        Err(problem) => return complain(&format!("{problem}\n{USAGE}"), 2),
    };
    let from_environment = std::env::var_os("FETTLE_CONFIG").map(PathBuf::from);
    let file = flags.config.clone().or(from_environment);
    let layers = Config::layers(blueprint.name, blueprint.defaults);
    let config = match layers.file(file.as_deref()).environment().read() {
        Ok(config) => config,
        Err(refused) => return complain(&format!("{refused}\n"), 2),
    };
    if flags.print_config {
        let printed = std::io::stdout().write_all(config.printed().as_bytes());
        return if printed.is_ok() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        };
    }
    match run(blueprint, config, flags.migrate) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Keys are looked at when the service starts, and are configuration all the same.
            let refused = matches!(error.downcast_ref(), Some(StartError::Config(_)));
            let code = if refused { 2 } else { 1 };
            complain(&format!("{}: {error}\n", blueprint.name), code)
        }
    }
}

fn run(blueprint: &Blueprint, config: Config, migrate: bool) -> Result<(), BuildError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let telemetry = telemetry::init(blueprint.name, &config.telemetry)?;
        crate::server::log_panics();
        let done = match migrate {
            true => super::migrate(blueprint, &config)
                .await
                .map_err(BuildError::from),
            false => serve(blueprint, config).await,
        };
        // The exporter works on this runtime, so waiting for it must not block it.
        let _ = tokio::task::spawn_blocking(|| telemetry.shutdown()).await;
        done
    })
}

async fn serve(blueprint: &Blueprint, config: Config) -> Result<(), BuildError> {
    let shutdown = CancellationToken::new();
    tokio::spawn(cancel_on_signal(shutdown.clone())?);
    super::start(blueprint, config, shutdown)
        .await?
        .finished()
        .await?;
    Ok(())
}

fn cancel_on_signal(shutdown: CancellationToken) -> Result<impl Future<Output = ()>, StartError> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        shutdown.cancel();
    })
}

fn read_flags(mut words: impl Iterator<Item = String>) -> Result<Flags, String> {
    let mut flags = Flags::default();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--print-config" => flags.print_config = true,
            "--migrate" => flags.migrate = true,
            "--config" => {
                let file = words.next().ok_or("--config needs a file")?;
                flags.config = Some(file.into());
            }
            unknown => return Err(format!("{unknown} is no flag")),
        }
    }
    Ok(flags)
}

fn complain(problem: &str, code: u8) -> ExitCode {
    // Nothing is left to do when even this cannot be written.
    let _ = std::io::stderr().write_all(problem.as_bytes());
    ExitCode::from(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(line: &str) -> Result<Flags, String> {
        read_flags(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn flags_are_read_and_others_refused() {
        let read = flags("--config a.toml --migrate").unwrap();
        assert_eq!(read.config, Some(PathBuf::from("a.toml")));
        assert!(read.migrate && !read.print_config);
        assert!(flags("--config").is_err());
        assert!(flags("--serve").is_err());
    }
}
