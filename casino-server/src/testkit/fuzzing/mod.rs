//! Invariants of the server under any input, shared by the fuzz targets and the property tests. A check panics when
//! one is violated.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::panic,
    reason = "a check fails by a panic"
)]

use awesomestock_proto::auth::{PlayerKey, SharedSecret};
use awesomestock_proto::capabilities::{Capabilities, HEADER, USER_HEADER};
use awesomestock_proto::text::sanitize;
use tonic::codegen::http::{HeaderMap, HeaderName, HeaderValue};
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};

use self::requests::check_status;
pub use self::requests::requests;
use crate::domain::player::{LegacyNames, PlayerName};
use crate::grpc::{convert, payments_client};

#[cfg(test)]
mod properties;
mod requests;

/// The request metadata read by the server.
const HEADERS: [&str; 3] = [HEADER, USER_HEADER, "authorization"];

const SECRET: &str = "0123456789abcdef";

/// Checks `data` as metadata: in each line the first byte selects the header and the rest is its value.
///
/// # Panics
///
/// If something is granted that was not requested, or an error repeats the input.
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
    match convert::session_player(&LegacyNames::default(), &metadata) {
        Ok(owner) => assert_eq!(PlayerName::new(owner.as_str()), Ok(owner)),
        Err(error) => check_status(&error.into()),
    }
    // White space after a token is ignored.
    let authorization = metadata
        .get("authorization")
        .and_then(|value| value.to_str().ok());
    let shows = |token: &str| authorization.is_some_and(|shown| shown.trim_end().ends_with(token));
    match PlayerKey::from_metadata(&metadata) {
        Ok(None) => {}
        Ok(Some(key)) => {
            let written = key.expose();
            assert_eq!(PlayerKey::parse(&written), Ok(key));
            assert!(shows(&written), "{authorization:?}");
        }
        Err(error) => assert!(!error.to_string().contains(sanitize::is_unsafe)),
    }
    let secret = SharedSecret::parse(SECRET).expect("a secret");
    if secret.check(&metadata, Code::PermissionDenied).is_ok() {
        assert!(shows(SECRET), "{authorization:?}");
    }
}

/// Announces only capabilities that were requested.
fn check_feeds(metadata: &MetadataMap) {
    let asked = Capabilities::from_metadata(metadata);
    let mut announced = MetadataMap::new();
    asked.write_metadata(&mut announced);
    assert_eq!(Capabilities::from_metadata(&announced), asked);
    let named = |feed: &str| {
        let values = metadata.get_all(HEADER);
        let mut values = values.iter().filter_map(|value| value.to_str().ok());
        values.any(|value| value.contains(feed))
    };
    let names = announced.get(HEADER).and_then(|names| names.to_str().ok());
    let mut names = names.into_iter().flat_map(|names| names.split(','));
    assert!(names.all(named));
}

/// Checks `data` as the final status of a payments server: a code and a message.
///
/// # Panics
///
/// If the message reaches the player, or a failure reads as a success.
pub fn payments_answers(data: &[u8]) {
    let Some((code, message)) = data.split_first() else {
        return;
    };
    let code = Code::from_i32(i32::from(*code));
    let message = String::from_utf8_lossy(message);
    let status = payments_client::map_status(&Status::new(code, message));
    check_status(&status);
    let expected = payments_client::map_status(&Status::new(code, ""));
    assert_eq!(
        (status.code(), status.message()),
        (expected.code(), expected.message())
    );
}
