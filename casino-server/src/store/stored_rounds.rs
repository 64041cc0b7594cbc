//! Encoding of rounds for all engines: a format byte, then postcard.

use crate::domain::round::Round;

const FORMAT: u8 = 1;

pub(super) fn to_bytes(round: &Round) -> postcard::Result<Vec<u8>> {
    postcard::to_extend(round, vec![FORMAT])
}

/// Returns `None` for any other bytes.
pub(super) fn from_bytes(bytes: &[u8]) -> Option<Round> {
    let (format, round) = bytes.split_first()?;
    (*format == FORMAT).then(|| postcard::from_bytes(round).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        market::Tick,
        money::{Dollars, Price, UnixMillis},
        round::RoundPhase,
    };

    /// Stored rounds must stay readable.
    #[test]
    fn the_encoding_of_rounds_is_stable() {
        let tick = Tick {
            number: 4,
            price: Price::new(10).unwrap(),
            at: UnixMillis(5),
        };
        for (phase, bytes) in [
            (RoundPhase::Never, &[0][..]),
            (RoundPhase::Running(UnixMillis(7)), &[1, 14]),
            (RoundPhase::Paused(8), &[2, 16]),
            (RoundPhase::Ended(tick), &[3, 8, 20, 10]),
        ] {
            let round = Round {
                number: 3,
                stake: Dollars(50),
                phase,
                announcement: "go".to_owned(),
            };
            let expected = [&[FORMAT, 6, 100], bytes, b"\x02go"].concat();
            assert_eq!(to_bytes(&round).unwrap(), expected);
            assert_eq!(from_bytes(&expected), Some(round));
        }
        assert_eq!(from_bytes(&[]), None);
        assert_eq!(from_bytes(&[2, 0]), None);
    }
}
