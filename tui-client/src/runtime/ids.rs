//! Request IDs of orders: a random part for each run of the game, and the client's order ID, so that an order that is sent
//! again has the same ID.

use uuid::{Builder, Uuid};

use crate::app::portfolio::order::ClientOrderId;

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

    /// Returns the request ID of an order, a UUID of version 7.
    pub(super) fn request_id(&self, id: ClientOrderId) -> Uuid {
        let at = u64::try_from(id.at.0).unwrap_or(0);
        let [a, b, c, d, e, f] = self.random;
        let [g, h, i, j] = id.number.to_be_bytes();
        Builder::from_unix_timestamp_millis(at, &[a, b, c, d, e, f, g, h, i, j]).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::app::portfolio::money::UnixMillis;

    fn request_id(ids: &OrderIds, number: u32, at: i64) -> Uuid {
        let at = UnixMillis(at);
        ids.request_id(ClientOrderId { number, at })
    }

    #[test]
    fn every_order_has_its_own_stable_id() {
        let sessions = [OrderIds::new(), OrderIds::new()];
        let all: HashSet<_> = (0..100)
            .flat_map(|number| {
                [0, 1].map(|session| request_id(&sessions[session], number, 1_800_000_000_000))
            })
            .collect();
        assert_eq!(all.len(), 200);
        let id = |number, at| request_id(&sessions[0], number, at);
        assert_eq!(id(7, 1_800_000_000_000), id(7, 1_800_000_000_000));
        assert_eq!(id(7, 1_800_000_000_000).get_version_num(), 7);
        assert_ne!(id(7, 1_800_000_000_000), id(7, 1_800_000_000_001));
        assert_ne!(id(u32::MAX, -1), id(0, -1));
    }
}
