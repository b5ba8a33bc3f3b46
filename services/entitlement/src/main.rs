//! The entitlement service as a process; see `fettle-entitlement --print-config` for its settings.

use std::process::ExitCode;

fn main() -> ExitCode {
    chassis::service::main(&entitlement::BLUEPRINT)
}
