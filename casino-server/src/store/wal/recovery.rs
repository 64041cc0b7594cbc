//! Recovers the batches of a log and detects lost ones.
//!
//! A batch is answered after its frame is synced, and only then the next frame is written. So a torn frame was
//! never answered, unless a later frame of the same epoch is complete: then the log is damaged. Damage of the last
//! frame alone cannot be distinguished from a torn write.

use super::frame::{EPOCH, Frame, FrameId, UnknownFormat};
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
    },
    /// The log belongs to another ledger or another state of it, and was not closed cleanly.
    #[error(
        "its commit log belongs to another ledger, or to another state of this one, and holds {} of that: they would be lost",
        counted(Some(*unapplied))
    )]
    Foreign { unapplied: u64 },
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
        // Earlier versions began frames at 0.
        let found = [offset, FRAMES, 0].into_iter().find_map(|start| {
            let frame = Frame::parse(log.get(usize::try_from(start).ok()?..)?)?;
            (frame.id == id).then_some((start, frame))
        });
        let Some((start, frame)) = found else {
            return Ok(batches);
        };
        batches.push(frame.decode()?);
        offset = start.saturating_add(frame.len());
    }
}

/// Returns why answered batches are missing, if they are. `last` is the last batch found after `position`; `log` is
/// `None` without a file.
pub(super) fn loss(log: Option<&[u8]>, position: WalPosition, last: u64) -> Option<Loss> {
    let bytes = log.unwrap_or_default();
    let damaged = |problem, lost| Some(Loss::Damaged { problem, last, lost });
    let header = WalHeader::from_bytes(bytes);
    let newest = newest(bytes, position.epoch);
    if let Some(newest) = newest.filter(|newest| *newest > last) {
        return damaged("is damaged", newest.checked_sub(last));
    }
    if position.closed != Some(false) {
        let foreign = header.filter(|header| !header.closed && header.epoch != position.epoch);
        let unapplied =
            foreign.and_then(|header| self::newest(bytes, header.epoch)?.checked_sub(header.first));
        // Earlier versions stored neither flag nor epoch.
        let is_marked = position.closed.is_some() || position.epoch == 0;
        let unapplied = unapplied.filter(|unapplied| *unapplied > 0 && is_marked);
        return unapplied.map(|unapplied| Loss::Foreign { unapplied });
    }
    let Some(header) = header.filter(|header| header.epoch == position.epoch) else {
        return match (newest, log) {
            // Only the header is damaged.
            (Some(newest), _) if newest >= position.batch => None,
            (_, Some(_)) => damaged("is damaged or belongs to another ledger", None),
            (_, None) => damaged("is missing", None),
        };
    };
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) < header.length {
        return damaged("is cut", None);
    }
    if newest.unwrap_or(header.first) < position.batch {
        return damaged("is older than the ledger", None);
    }
    None
}

/// Returns the highest complete batch of `epoch` at any offset.
fn newest(log: &[u8], epoch: u64) -> Option<u64> {
    if epoch == 0 {
        return None;
    }
    let epoch_bytes = epoch.to_le_bytes();
    let frames = memchr::memmem::find_iter(log, &epoch_bytes)
        .filter_map(|at| Frame::parse(log.get(at.checked_sub(EPOCH.start)?..)?));
    frames.map(|frame| frame.id.batch).max()
}
