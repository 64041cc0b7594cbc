//! Recovers the batches of a log and detects lost ones.
//!
//! A batch is answered after its frame is synced, and only then the next frame is written. So a torn frame was
//! never answered, unless a later frame of the same epoch is complete: then the log is damaged. Damage of the last
//! frame alone cannot be distinguished from a torn write.

use super::WalError;
use super::frame::{self, FrameId, HEADER, UnknownFormat};
use super::header::{FRAMES, WalHeader};
use crate::store::{Batch, WalPosition};

/// Answered batches that are lost.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Loss {
    #[error("its commit log {problem}: {} after batch {last} lost", counted(*lost))]
    Damaged {
        problem: &'static str,
        /// The last batch found.
        last: u64,
        /// `None`: unknown.
        lost: Option<u64>,
        /// Batches found, in order.
        batches: Vec<Batch>,
    },
    /// The log belongs to another ledger or another state of it, and was not closed cleanly.
    #[error(
        "its commit log belongs to another ledger, or to another state of this one, and holds {} of that: they would be lost",
        counted(Some(*unapplied))
    )]
    Foreign { unapplied: u64 },
}

impl Loss {
    pub(super) fn into_batches(self) -> Vec<Batch> {
        match self {
            Self::Damaged { batches, .. } => batches,
            Self::Foreign { .. } => Vec::new(),
        }
    }
}

fn counted(batches: Option<u64>) -> String {
    match batches {
        Some(1) => "1 batch".to_owned(),
        Some(batches) => format!("{batches} batches"),
        None => "an unknown number of batches".to_owned(),
    }
}

/// Returns the complete batches in `log` after `position`, in order.
pub(super) fn after(log: &[u8], position: WalPosition) -> Result<Vec<Batch>, UnknownFormat> {
    let mut batches = Vec::new();
    let mut id = FrameId {
        epoch: position.epoch,
        batch: position.batch,
    };
    let mut offset = position.offset;
    loop {
        id.batch = id.batch.saturating_add(1);
        let mut next = None;
        // Earlier versions began frames at 0.
        for from in [offset, FRAMES, 0] {
            next = read(log, from, id)?;
            if next.is_some() {
                break;
            }
        }
        let Some((batch, end)) = next else {
            return Ok(batches);
        };
        batches.push(batch);
        offset = end;
    }
}

/// Returns the batches after `position`, if no answered one can be missing. `log` is `None` without a file.
pub(super) fn recover(log: Option<&[u8]>, position: WalPosition) -> Result<Vec<Batch>, WalError> {
    let bytes = log.unwrap_or_default();
    let batches = after(bytes, position)?;
    let last = position
        .batch
        .saturating_add(u64::try_from(batches.len()).unwrap_or(u64::MAX));
    let loss = |problem, lost, batches| {
        Err(WalError::Lost(Loss::Damaged {
            problem,
            last,
            lost,
            batches,
        }))
    };
    let header = WalHeader::from_bytes(bytes);
    let newest = newest(bytes, position.epoch);
    if let Some(newest) = newest.filter(|newest| *newest > last) {
        return loss("is damaged", newest.checked_sub(last), batches);
    }
    if position.closed != Some(false) {
        let foreign = header.filter(|header| !header.closed && header.epoch != position.epoch);
        let unapplied =
            foreign.and_then(|header| self::newest(bytes, header.epoch)?.checked_sub(header.first));
        // Earlier versions stored neither flag nor epoch.
        let is_marked = position.closed.is_some() || position.epoch == 0;
        return match unapplied.filter(|unapplied| *unapplied > 0 && is_marked) {
            Some(unapplied) => Err(WalError::Lost(Loss::Foreign { unapplied })),
            None => Ok(batches),
        };
    }
    let Some(header) = header.filter(|header| header.epoch == position.epoch) else {
        return match (newest, log) {
            // Only the header is damaged.
            (Some(newest), _) if newest >= position.batch => Ok(batches),
            (_, Some(_)) => loss("is damaged or belongs to another ledger", None, batches),
            (_, None) => loss("is missing", None, batches),
        };
    };
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) < header.length {
        return loss("is cut", None, batches);
    }
    if newest.unwrap_or(header.first) < position.batch {
        return loss("is older than the ledger", None, batches);
    }
    Ok(batches)
}

pub(super) fn is_of_another(log: Option<&[u8]>, position: WalPosition) -> bool {
    log.and_then(WalHeader::from_bytes)
        .is_some_and(|header| header.epoch != position.epoch)
}

/// Returns the highest complete batch of `epoch` at any offset.
fn newest(log: &[u8], epoch: u64) -> Option<u64> {
    if epoch == 0 {
        return None;
    }
    let epoch_bytes = epoch.to_le_bytes();
    let stamps = memchr::memmem::find_iter(log, &epoch_bytes);
    let whole = stamps.filter_map(|id| {
        let start = id.checked_sub(frame::EPOCH.start)?;
        let frame = log.get(start..)?;
        let batch = frame::batch_of(frame)?;
        let header = frame::header(frame, FrameId { epoch, batch })?;
        let frame = frame.get(..HEADER.checked_add(header.length)?)?;
        header.is_whole(frame).then_some(batch)
    });
    whole.max()
}

/// Returns the batch and the end of its frame.
fn read(log: &[u8], offset: u64, id: FrameId) -> Result<Option<(Batch, u64)>, UnknownFormat> {
    let start = usize::try_from(offset).unwrap_or(usize::MAX);
    let frame = log.get(start..).unwrap_or_default();
    let Some(header) = frame::header(frame, id) else {
        return Ok(None);
    };
    let length = HEADER.saturating_add(header.length);
    let Some(frame) = frame.get(..length) else {
        return Ok(None);
    };
    let end = offset.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
    Ok(frame::read(header, frame)?.map(|batch| (batch, end)))
}
