//! A server as a process of its own, and what the system says of it.

use std::{
    fs,
    io::{self, BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// A running server.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
}

impl Server {
    /// Starts `command` and waits for its ready line.
    pub(crate) fn start(command: &mut Command) -> io::Result<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        match line.trim().rsplit_once(" listening on ") {
            Some((_, address)) => Ok(Self {
                address: address.to_owned(),
                child,
            }),
            None => Err(io::Error::other(format!(
                "{command:?} is not ready but says {line:?}"
            ))),
        }
    }

    /// Time on a processor so far, of user and system together.
    pub(crate) fn cpu(&self) -> io::Result<Duration> {
        cpu_of(&self.child.id().to_string())
    }

    /// Resident memory in kB.
    pub(crate) fn rss_kb(&self) -> io::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        Ok(line
            .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
            .unwrap_or(0))
    }

    /// Bytes the process had written to disk so far.
    pub(crate) fn written_bytes(&self) -> io::Result<u64> {
        let counters = fs::read_to_string(format!("/proc/{}/io", self.child.id()))?;
        let line = counters
            .lines()
            .find_map(|line| line.strip_prefix("write_bytes:"));
        Ok(line.and_then(|rest| rest.trim().parse().ok()).unwrap_or(0))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Time this process has spent on a processor so far.
pub(crate) fn own_cpu() -> io::Result<Duration> {
    cpu_of("self")
}

/// The sum over the threads there are; one that has ended is not in it.
fn cpu_of(pid: &str) -> io::Result<Duration> {
    let mut nanos = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let times = fs::read_to_string(thread?.path().join("schedstat")).unwrap_or_default();
        nanos += times
            .split_whitespace()
            .next()
            .and_then(|time| time.parse().ok())
            .unwrap_or(0);
    }
    Ok(Duration::from_nanos(nanos))
}
