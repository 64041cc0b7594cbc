//! The simulated environment: a lifetime that ends at a given step, a failing disk and a jumping clock.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use casino_server::{Clock, Disk, Environment};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use tokio::sync::Notify;

const HOUR_MS: i64 = 60 * 60 * 1_000;
const YEAR_MS: i64 = 365 * 24 * HOUR_MS;

/// A lifetime of the casino, counted in steps of its connections, disk and clock. A seed can so end it at any await and
/// in the middle of any commit.
#[derive(Debug)]
pub(crate) struct Lifetime {
    steps_left: AtomicI64,
    /// Whether nothing works after the last step. Otherwise only `ended` returns.
    is_killed: bool,
    ending: Notify,
}

impl Lifetime {
    pub(crate) fn new(steps: i64, is_killed: bool) -> Arc<Self> {
        Arc::new(Self {
            steps_left: AtomicI64::new(steps),
            is_killed,
            ending: Notify::new(),
        })
    }

    /// Counts a step. Returns whether the casino is dead.
    pub(crate) fn step(&self) -> bool {
        let left = self.steps_left.fetch_sub(1, Ordering::SeqCst);
        if left == 1 {
            self.ending.notify_one();
        }
        left <= 1 && self.is_killed
    }

    /// Ends the lifetime now.
    pub(crate) fn end(&self) {
        self.steps_left.store(0, Ordering::SeqCst);
        self.ending.notify_one();
    }

    /// Waits for the last step.
    pub(crate) async fn ended(&self) {
        self.ending.notified().await;
    }
}

/// The disk faults of one lifetime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DiskFaults {
    /// One in this many commits fails; 0 is none.
    pub(crate) failure_one_in: u32,
    /// One in this many log writes and engine transactions finds the disk full; 0 is none.
    pub(crate) full_one_in: u32,
}

impl DiskFaults {
    pub(crate) const NONE: Self = Self {
        failure_one_in: 0,
        full_one_in: 0,
    };

    /// Draws the faults of one lifetime, usually none.
    pub(crate) fn random(rng: &mut ChaCha8Rng) -> Self {
        match rng.random_range(0..8) {
            0 => Self {
                failure_one_in: rng.random_range(2..60),
                ..Self::NONE
            },
            1 | 2 => Self {
                full_one_in: rng.random_range(1..4),
                ..Self::NONE
            },
            _ => Self::NONE,
        }
    }
}

/// A disk that fails or is full in the middle of a commit.
#[derive(Debug)]
struct FaultyDisk {
    lifetime: Arc<Lifetime>,
    faults: DiskFaults,
    rng: Mutex<ChaCha8Rng>,
    /// Position of the last log write and the bytes it replaced, which are restored unless it is synced.
    unsynced: Mutex<Option<(u64, Vec<u8>)>>,
}

impl FaultyDisk {
    /// Returns how many of `all` bytes are written before a failure, or `None` without one.
    fn bytes_before_failure(&self, all: usize) -> Option<usize> {
        let is_dead = self.lifetime.step();
        let mut rng = self.rng.lock().unwrap();
        let fails = self.faults.failure_one_in > 0 && rng.random_ratio(1, self.faults.failure_one_in);
        (is_dead || fails).then(|| rng.random_range(0..=all))
    }
}

fn failure() -> io::Error {
    io::Error::other("the disk failed")
}

impl Disk for FaultyDisk {
    fn before_write(&self) -> io::Result<()> {
        let one_in = self.faults.full_one_in;
        if one_in > 0 && self.rng.lock().unwrap().random_ratio(1, one_in) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    fn write(&self, log: &mut File, bytes: &[u8]) -> io::Result<()> {
        let written = self.bytes_before_failure(bytes.len());
        let position = log.stream_position()?;
        let mut before = Vec::new();
        log.take(u64::try_from(bytes.len()).unwrap())
            .read_to_end(&mut before)?;
        log.seek(SeekFrom::Start(position))?;
        log.write_all(&bytes[..written.unwrap_or(bytes.len())])?;
        *self.unsynced.lock().unwrap() = Some((position, before));
        written.map_or(Ok(()), |_| Err(failure()))
    }

    fn sync(&self, mut log: &File) -> io::Result<()> {
        let Some((position, before)) = self.unsynced.lock().unwrap().take() else {
            return Ok(());
        };
        let Some(synced) = self.bytes_before_failure(before.len()) else {
            return Ok(());
        };
        log.seek(SeekFrom::Start(position + u64::try_from(synced).unwrap()))?;
        log.write_all(&before[synced..])?;
        Err(failure())
    }

    fn before_commit(&self) -> io::Result<()> {
        if self.lifetime.step() {
            return Err(failure());
        }
        self.before_write()
    }

    fn after_commit(&self) -> io::Result<()> {
        self.bytes_before_failure(0).map_or(Ok(()), |_| Err(failure()))
    }
}

/// A clock that advances a little with each reading and sometimes jumps by hours or years.
fn clock(lifetime: Arc<Lifetime>, mut rng: ChaCha8Rng) -> Clock {
    let now = Mutex::new(rng.random_range(0..100 * YEAR_MS));
    let rng = Mutex::new(rng);
    Clock::new(move || {
        lifetime.step();
        let mut rng = rng.lock().unwrap();
        let mut now = now.lock().unwrap();
        let moved = match rng.random_range(0..100) {
            0..5 => rng.random_range(-HOUR_MS..HOUR_MS),
            5 => rng.random_range(-50 * YEAR_MS..50 * YEAR_MS),
            _ => rng.random_range(0..3),
        };
        *now = (*now + moved).max(0);
        *now
    })
}

/// Creates the environment of a casino for `lifetime`, with a commit log of `log_bytes`.
pub(crate) fn faulty_environment(
    lifetime: &Arc<Lifetime>,
    faults: DiskFaults,
    log_bytes: u64,
    rng: &mut ChaCha8Rng,
) -> Environment {
    let mut new_rng = || ChaCha8Rng::seed_from_u64(rng.random());
    Environment {
        clock: clock(Arc::clone(lifetime), new_rng()),
        disk: Arc::new(FaultyDisk {
            lifetime: Arc::clone(lifetime),
            faults,
            rng: Mutex::new(new_rng()),
            unsynced: Mutex::default(),
        }),
        log_bytes,
    }
}
