//! The ids of a session's orders: made of chance, so that no other session makes them, and of what the game says of
//! each, so that the same order always has the same.

use uuid::{Builder, Uuid};

use crate::app::log::Slip;

/// What the ids of one session have in common.
#[derive(Debug)]
pub(super) struct Ids {
    chance: [u8; 6],
}

impl Ids {
    /// The ids of a new session.
    pub(super) fn new() -> Self {
        // The last bytes of a UUID of version 7 are random.
        let [.., a, b, c, d, e, f] = Uuid::now_v7().into_bytes();
        Self {
            chance: [a, b, c, d, e, f],
        }
    }

    /// The id of an order, a UUID of version 7.
    pub(super) fn of(&self, slip: Slip) -> Uuid {
        let at = u64::try_from(slip.at.0).unwrap_or(0);
        let [a, b, c, d, e, f] = self.chance;
        let [g, h, i, j] = slip.number.to_be_bytes();
        Builder::from_unix_timestamp_millis(at, &[a, b, c, d, e, f, g, h, i, j]).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::app::money::UnixMs;

    fn slip(number: u32, at: i64) -> Slip {
        Slip {
            number,
            at: UnixMs(at),
        }
    }

    #[test]
    fn an_order_has_one_id_and_shares_it_with_no_other() {
        let sessions = [Ids::new(), Ids::new()];
        let slips = (0..100).map(|number| slip(number, 1_800_000_000_000));
        let all: HashSet<_> = slips
            .flat_map(|slip| sessions.iter().map(move |ids| ids.of(slip)))
            .collect();
        assert_eq!(all.len(), 200);
        let id = sessions[0].of(slip(7, 1_800_000_000_000));
        assert_eq!(id, sessions[0].of(slip(7, 1_800_000_000_000)));
        assert_eq!(id.get_version_num(), 7);
        assert_ne!(id, sessions[0].of(slip(7, 1_800_000_000_001)));
        assert_ne!(sessions[0].of(slip(u32::MAX, -1)), sessions[0].of(slip(0, -1)));
    }
}
