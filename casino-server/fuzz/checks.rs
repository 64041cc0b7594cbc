//! What always holds of the casino, whatever it is sent: one copy of the checks, for the fuzz targets and for the
//! properties that the tests try on stable.
//!
//! Each check takes bytes and panics where something does not hold.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::panic,
    reason = "a check fails by a panic"
)]

use std::time::Duration;

use awesomestock_proto::{
    credentials::{PlayerKey, SharedSecret},
    feeds::{KEY, USER_KEY},
    text,
};
use tonic::{
    Code, Status,
    codegen::http::{HeaderMap, HeaderName, HeaderValue},
    metadata::MetadataMap,
};

use crate::{
    feeds::{self, Feeds},
    identity::PlayerName,
    ledger::requests::check_status,
    statements,
};

pub use crate::ledger::requests::requests;

#[cfg(test)]
#[path = "properties.rs"]
mod properties;

/// The request metadata that is read: feeds, whose seat, and the bearer token.
const HEADERS: [&str; 3] = [KEY, USER_KEY, "authorization"];

/// What two servers share.
const SECRET: &str = "0123456789abcdef";

/// Reads `data` as metadata: lines whose first byte says which header it is, the rest being its value.
///
/// # Panics
///
/// When something is granted that was not asked for, or an error repeats what was sent.
pub fn metadata(data: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n').take(64) {
        if let Some((header, value)) = line.split_first()
            && let Some(name) = HEADERS.get(usize::from(header % 4))
            && let Ok(value) = HeaderValue::from_bytes(value)
        {
            headers.append(HeaderName::from_static(name), value);
        }
    }
    let metadata = MetadataMap::from_headers(headers);
    check_feeds(&metadata);
    match feeds::seat_owner(&metadata) {
        Ok(owner) => assert_eq!(PlayerName::new(owner.as_str()), Ok(owner)),
        Err(error) => check_status(&error.into()),
    }
    // White space around a token is none of it.
    let authorization = metadata
        .get("authorization")
        .and_then(|value| value.to_str().ok());
    let shows = |token: &str| authorization.is_some_and(|shown| shown.trim_end().ends_with(token));
    match PlayerKey::shown_in(&metadata) {
        Ok(None) => {}
        Ok(Some(key)) => {
            let written = key.reveal();
            assert_eq!(PlayerKey::parse(&written), Ok(key));
            assert!(shows(&written), "{authorization:?}");
        }
        Err(error) => assert!(!error.to_string().contains(text::acts)),
    }
    let secret = SharedSecret::parse(SECRET).expect("a secret");
    if secret.is_shown_in(&metadata) == Ok(Some(true)) {
        assert!(shows(SECRET), "{authorization:?}");
    }
}

/// What is announced is what was asked for, no more.
fn check_feeds(metadata: &MetadataMap) {
    let asked = Feeds::asked_for(metadata);
    let mut announced = MetadataMap::new();
    asked.announce(&mut announced);
    assert_eq!(Feeds::asked_for(&announced), asked);
    let named = |feed: &str| {
        let values = metadata.get_all(KEY);
        let mut values = values.iter().filter_map(|value| value.to_str().ok());
        values.any(|value| value.contains(feed))
    };
    let names = announced.get(KEY).and_then(|names| names.to_str().ok());
    let mut names = names.into_iter().flat_map(|names| names.split(','));
    assert!(names.all(named));
}

/// Takes `data` for how a payments server ends the call for a statement: a code and its words.
///
/// # Panics
///
/// When its words get to the player, or a failure looks like a success.
pub fn payments_answers(data: &[u8]) {
    let Some((code, words)) = data.split_first() else {
        return;
    };
    let code = Code::from_i32(i32::from(*code));
    let words = String::from_utf8_lossy(words);
    let deadline = Duration::from_secs(30);
    let told = Status::from(statements::meaning(&Status::new(code, words.clone()), deadline));
    check_status(&told);
    let expected = Status::from(statements::meaning(&Status::new(code, ""), deadline));
    assert_eq!(
        (told.code(), told.message()),
        (expected.code(), expected.message())
    );
}
