//! Request IDs of orders: a random part for each run of the game, and the client's order ID, so that an order that is sent
//! again has the same ID.

use uuid::{Builder, Uuid};

use crate::app::portfolio::order_log::ClientOrderId;

#[derive(Debug)]
pub(super) struct OrderIds {
    random: [u8; 6],
}

impl OrderIds {
    pub(super) fn new() -> Self {
        // The last bytes of a UUID of version 7 are random.
        let [.., a, b, c, d, e, f] = Uuid::now_v7().into_bytes();
        Self {
            random: [a, b, c, d, e, f],
        }
    }

    /// Returns a UUID of version 7.
    pub(super) fn for_order(&self, order_id: ClientOrderId) -> Uuid {
        let at = u64::try_from(order_id.at.0).unwrap_or(0);
        let [a, b, c, d, e, f] = self.random;
        let [g, h, i, j] = order_id.number.to_be_bytes();
        Builder::from_unix_timestamp_millis(at, &[a, b, c, d, e, f, g, h, i, j]).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::app::portfolio::money::UnixMillis;

    fn order_id(number: u32, at: i64) -> ClientOrderId {
        ClientOrderId {
            number,
            at: UnixMillis(at),
        }
    }

    #[test]
    fn every_order_has_its_own_stable_id() {
        let sessions = [OrderIds::new(), OrderIds::new()];
        let order_ids = (0..100).map(|number| order_id(number, 1_800_000_000_000));
        let all: HashSet<_> = order_ids
            .flat_map(|order_id| sessions.iter().map(move |ids| ids.for_order(order_id)))
            .collect();
        assert_eq!(all.len(), 200);
        let id = sessions[0].for_order(order_id(7, 1_800_000_000_000));
        assert_eq!(id, sessions[0].for_order(order_id(7, 1_800_000_000_000)));
        assert_eq!(id.get_version_num(), 7);
        assert_ne!(id, sessions[0].for_order(order_id(7, 1_800_000_000_001)));
        assert_ne!(
            sessions[0].for_order(order_id(u32::MAX, -1)),
            sessions[0].for_order(order_id(0, -1))
        );
    }
}
