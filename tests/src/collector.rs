//! A collector of traces in a process of its own: what `otlp-receiver` received.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The receiving process; its input closes, and with it the process ends, when this is dropped.
#[derive(Debug)]
pub struct Collector {
    process: Child,
    /// Where it receives.
    pub endpoint: String,
    /// Each span it received as a line of JSON.
    pub file: PathBuf,
}

impl Collector {
    /// Starts `otlp-receiver`, built as `program`, which writes to `file`.
    pub fn start(program: &str, file: &Path) -> Collector {
        let mut process = Command::new(program)
            .arg(file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the collector starts");
        let mut endpoint = String::new();
        let output = process.stdout.take().expect("its output is piped");
        let told = BufReader::new(output).read_line(&mut endpoint);
        told.expect("the collector says where it listens");
        Collector {
            process,
            endpoint: endpoint.trim().to_owned(),
            file: file.to_path_buf(),
        }
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}
