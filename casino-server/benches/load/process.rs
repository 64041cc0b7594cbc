//! A server as a process of its own, and what the system says of it.

use std::{
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    ops::{AddAssign, Sub},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// A running server.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    /// Where it tells its metrics.
    metrics: Option<String>,
}

/// What a casino's metrics say of its batches so far.
#[derive(Default, Clone, Copy)]
pub(crate) struct Batches {
    count: f64,
    entries: f64,
    seconds: f64,
}

impl Batches {
    /// Trades, payments and ticks in one batch.
    pub(crate) fn entries_each(&self) -> f64 {
        self.entries / self.count
    }

    /// The time of one commit.
    pub(crate) fn ms_each(&self) -> f64 {
        self.seconds * 1e3 / self.count
    }

    fn read(page: &str) -> Self {
        let figure = |name: &str| -> f64 {
            let line = page.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|figure| figure.trim().parse().ok())
                .unwrap_or_default()
        };
        Self {
            count: figure("casino_commit_seconds_count "),
            entries: figure("casino_batch_entries_sum "),
            seconds: figure("casino_commit_seconds_sum "),
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
            None => Err(io::Error::other(format!(
                "{command:?} is not ready but says {line:?}"
            ))),
        }
    }

    /// The same with its metrics told at `metrics`, a free address.
    pub(crate) fn start_with_metrics(command: &mut Command, metrics: String) -> io::Result<Self> {
        let mut server = Self::start(command.args(["--metrics", &metrics]))?;
        server.metrics = Some(metrics);
        Ok(server)
    }

    /// What it has committed so far, if it tells its metrics.
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
        written_by(&self.child.id().to_string())
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

/// What the children of a process have used up so far; one that has ended is not in it.
#[derive(Default, Clone, Copy)]
pub(crate) struct Family {
    /// Time on a processor.
    pub(crate) cpu: Duration,
    /// Bytes written to disk.
    pub(crate) written: u64,
}

impl Family {
    /// The children of the process `parent`.
    pub(crate) fn of(parent: u32) -> io::Result<Self> {
        let mut sum = Self::default();
        for process in fs::read_dir("/proc")? {
            let process = process?;
            let status = fs::read_to_string(process.path().join("status")).unwrap_or_default();
            let of = status.lines().find_map(|line| line.strip_prefix("PPid:"));
            if of.is_some_and(|of| of.trim().parse() == Ok(parent)) {
                let pid = process.file_name().to_string_lossy().into_owned();
                sum.cpu += cpu_of(&pid).unwrap_or_default();
                sum.written += written_by(&pid).unwrap_or_default();
            }
        }
        Ok(sum)
    }
}

/// Bytes the process had written to disk so far.
fn written_by(pid: &str) -> io::Result<u64> {
    let counters = fs::read_to_string(format!("/proc/{pid}/io"))?;
    let line = counters
        .lines()
        .find_map(|line| line.strip_prefix("write_bytes:"));
    Ok(line.and_then(|rest| rest.trim().parse().ok()).unwrap_or(0))
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
