//! Short constructors of domain values.

use crate::domain::market::Tick;
use crate::domain::money::{Price, UnixMillis};
use crate::domain::order::Payment;
use crate::domain::player::PlayerName;

pub(crate) fn player(name: &str) -> PlayerName {
    PlayerName::new(name).unwrap()
}

pub(crate) fn tick(number: i64, price: i32, at: i64) -> Tick {
    Tick {
        number,
        price: Price::new(price).unwrap(),
        at: UnixMillis(at),
    }
}

pub(crate) fn payment(number: i64, amount: i32, at: i64) -> Payment {
    Payment {
        number,
        amount,
        at: UnixMillis(at),
    }
}
