//! What the casino has around it in a simulation: a life that ends at a moment, a disk that fails and a clock that jumps.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
};

use casino_server::{Clock, Disk, Environment};
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};
use tokio::sync::Notify;

const HOUR_MS: i64 = 60 * 60 * 1_000;
const YEAR_MS: i64 = 365 * 24 * HOUR_MS;

/// A life of a casino, counted in moments: every step of a connection, of the disk and of the clock is one. So a seed says
/// when it ends, and that is at any await and in the middle of any commit.
#[derive(Debug)]
pub(crate) struct Life {
    left: AtomicI64,
    /// At its end nothing works any more; otherwise it is only told of.
    is_killed: bool,
    ending: Notify,
}

impl Life {
    pub(crate) fn new(moments: i64, is_killed: bool) -> Arc<Self> {
        Arc::new(Self {
            left: AtomicI64::new(moments),
            is_killed,
            ending: Notify::new(),
        })
    }

    /// A moment goes by. Says whether the casino is dead.
    pub(crate) fn step(&self) -> bool {
        let left = self.left.fetch_sub(1, Ordering::SeqCst);
        if left == 1 {
            self.ending.notify_one();
        }
        left <= 1 && self.is_killed
    }

    /// Ends it at once.
    pub(crate) fn end(&self) {
        self.left.store(0, Ordering::SeqCst);
        self.ending.notify_one();
    }

    /// Waits for its last moment.
    pub(crate) async fn ended(&self) {
        self.ending.notified().await;
    }
}

/// How a disk does in one life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Health {
    /// Of so many commits one fails; 0 is none.
    pub(crate) fails_one_of: u32,
    /// Of so many transactions of the engine one finds the disk full; 0 is none.
    pub(crate) is_full_one_of: u32,
}

impl Health {
    pub(crate) const GOOD: Self = Self {
        fails_one_of: 0,
        is_full_one_of: 0,
    };

    /// Mostly good.
    pub(crate) fn by(chance: &mut ChaCha8Rng) -> Self {
        match chance.random_range(0..8) {
            0 => Self {
                fails_one_of: chance.random_range(2..60),
                ..Self::GOOD
            },
            1 | 2 => Self {
                is_full_one_of: chance.random_range(1..4),
                ..Self::GOOD
            },
            _ => Self::GOOD,
        }
    }
}

/// A disk that fails, and fills up, in the middle of a commit.
#[derive(Debug)]
struct FaultyDisk {
    life: Arc<Life>,
    health: Health,
    chance: Mutex<ChaCha8Rng>,
    /// Where the log was written last and what was there before: lost with the power until it is synced.
    unsynced: Mutex<Option<(u64, Vec<u8>)>>,
}

impl FaultyDisk {
    /// How many of `all` bytes come through, unless all do.
    fn cut(&self, all: usize) -> Option<usize> {
        let is_dead = self.life.step();
        let mut chance = self.chance.lock().unwrap();
        let fails = self.health.fails_one_of > 0 && chance.random_ratio(1, self.health.fails_one_of);
        (is_dead || fails).then(|| chance.random_range(0..=all))
    }
}

fn failure() -> io::Error {
    io::Error::other("the disk failed")
}

impl Disk for FaultyDisk {
    fn write(&self, log: &mut File, bytes: &[u8]) -> io::Result<()> {
        let cut = self.cut(bytes.len());
        let position = log.stream_position()?;
        let mut before = Vec::new();
        log.take(u64::try_from(bytes.len()).unwrap())
            .read_to_end(&mut before)?;
        log.seek(SeekFrom::Start(position))?;
        log.write_all(&bytes[..cut.unwrap_or(bytes.len())])?;
        *self.unsynced.lock().unwrap() = Some((position, before));
        cut.map_or(Ok(()), |_| Err(failure()))
    }

    fn sync(&self, mut log: &File) -> io::Result<()> {
        let Some((position, before)) = self.unsynced.lock().unwrap().take() else {
            return Ok(());
        };
        let Some(cut) = self.cut(before.len()) else {
            return Ok(());
        };
        log.seek(SeekFrom::Start(position + u64::try_from(cut).unwrap()))?;
        log.write_all(&before[cut..])?;
        Err(failure())
    }

    fn before_commit(&self) -> io::Result<()> {
        if self.life.step() {
            return Err(failure());
        }
        let one_of = self.health.is_full_one_of;
        if one_of > 0 && self.chance.lock().unwrap().random_ratio(1, one_of) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    fn after_commit(&self) -> io::Result<()> {
        self.cut(0).map_or(Ok(()), |_| Err(failure()))
    }
}

/// A clock that goes on a little each time it is looked at, and now and then jumps by hours or years.
fn clock(life: Arc<Life>, mut chance: ChaCha8Rng) -> Clock {
    let now = Mutex::new(chance.random_range(0..100 * YEAR_MS));
    let chance = Mutex::new(chance);
    Clock::new(move || {
        life.step();
        let mut chance = chance.lock().unwrap();
        let mut now = now.lock().unwrap();
        let moved = match chance.random_range(0..100) {
            0..5 => chance.random_range(-HOUR_MS..HOUR_MS),
            5 => chance.random_range(-50 * YEAR_MS..50 * YEAR_MS),
            _ => chance.random_range(0..3),
        };
        *now = (*now + moved).max(0);
        *now
    })
}

/// What is around a casino for `life`, with a commit log of `log_bytes`.
pub(crate) fn faulty(
    life: &Arc<Life>,
    health: Health,
    log_bytes: u64,
    chance: &mut ChaCha8Rng,
) -> Environment {
    let mut own_chance = || ChaCha8Rng::seed_from_u64(chance.random());
    Environment {
        clock: clock(Arc::clone(life), own_chance()),
        disk: Arc::new(FaultyDisk {
            life: Arc::clone(life),
            health,
            chance: Mutex::new(own_chance()),
            unsynced: Mutex::default(),
        }),
        log_bytes,
    }
}
