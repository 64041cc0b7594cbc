//! A server as a child process, and its resource usage.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::ops::{AddAssign, Sub};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A running server.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    /// Address of its metrics.
    metrics: Option<String>,
}

/// Batch metrics of a casino so far.
#[derive(Default, Clone, Copy)]
pub(crate) struct Batches {
    count: f64,
    entries: f64,
    seconds: f64,
}

impl Batches {
    /// Average entries per batch: trades, payments and ticks.
    pub(crate) fn entries_each(&self) -> f64 {
        self.entries / self.count
    }

    /// Average commit time in milliseconds.
    pub(crate) fn ms_each(&self) -> f64 {
        self.seconds * 1e3 / self.count
    }

    fn read(page: &str) -> Self {
        let metric = |name: &str| -> f64 {
            let line = page.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|value| value.trim().parse().ok())
                .unwrap_or_default()
        };
        Self {
            count: metric("casino_commit_seconds_count "),
            entries: metric("casino_batch_entries_sum "),
            seconds: metric("casino_commit_seconds_sum "),
        }
    }
}

impl AddAssign for Batches {
    fn add_assign(&mut self, other: Self) {
        self.count += other.count;
        self.entries += other.entries;
        self.seconds += other.seconds;
    }
}

impl Sub for Batches {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            count: self.count - earlier.count,
            entries: self.entries - earlier.entries,
            seconds: self.seconds - earlier.seconds,
        }
    }
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
                metrics: None,
            }),
            None => Err(io::Error::other(format!("{command:?} is not ready: {line:?}"))),
        }
    }

    /// Like [`start`](Self::start), with metrics at `metrics`, a free address.
    pub(crate) fn start_with_metrics(command: &mut Command, metrics: String) -> io::Result<Self> {
        let mut server = Self::start(command.args(["--metrics", &metrics]))?;
        server.metrics = Some(metrics);
        Ok(server)
    }

    /// Returns its batch metrics so far; zero without metrics.
    pub(crate) fn batches(&self) -> io::Result<Batches> {
        let Some(metrics) = &self.metrics else {
            return Ok(Batches::default());
        };
        let mut page = TcpStream::connect(metrics)?;
        page.write_all(b"GET /metrics HTTP/1.1\r\nhost: casino\r\nconnection: close\r\n\r\n")?;
        let mut text = String::new();
        page.read_to_string(&mut text)?;
        Ok(Batches::read(&text))
    }

    /// Processor time so far, user and system.
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

    /// Bytes written to disk so far.
    pub(crate) fn written_bytes(&self) -> io::Result<u64> {
        written_by(&self.child.id().to_string())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Processor time of this process so far.
pub(crate) fn own_cpu() -> io::Result<Duration> {
    cpu_of("self")
}

/// Resource usage of a process's children. Children that have ended are not included.
#[derive(Default, Clone, Copy)]
pub(crate) struct ChildProcesses {
    /// Processor time.
    pub(crate) cpu: Duration,
    /// Bytes written to disk.
    pub(crate) written: u64,
}

impl ChildProcesses {
    /// Reads the children of the process `parent`.
    pub(crate) fn children_of(parent: u32) -> io::Result<Self> {
        let mut sum = Self::default();
        for process in fs::read_dir("/proc")? {
            let process = process?;
            let status = fs::read_to_string(process.path().join("status")).unwrap_or_default();
            let parent_id = status.lines().find_map(|line| line.strip_prefix("PPid:"));
            if parent_id.is_some_and(|parent_id| parent_id.trim().parse() == Ok(parent)) {
                let pid = process.file_name().to_string_lossy().into_owned();
                sum.cpu += cpu_of(&pid).unwrap_or_default();
                sum.written += written_by(&pid).unwrap_or_default();
            }
        }
        Ok(sum)
    }
}

/// Bytes the process has written to disk so far.
fn written_by(pid: &str) -> io::Result<u64> {
    let counters = fs::read_to_string(format!("/proc/{pid}/io"))?;
    let line = counters
        .lines()
        .find_map(|line| line.strip_prefix("write_bytes:"));
    Ok(line.and_then(|rest| rest.trim().parse().ok()).unwrap_or(0))
}

/// Processor time of the running threads of a process.
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
