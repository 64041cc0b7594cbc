//! Replaces `cluster` in a build without PostgreSQL.

use std::convert::Infallible;

use super::{MarketOptions, OpenLedger};
use crate::config::clock::Clock;
use crate::config::options::Options;
use crate::server::OpenError;

pub(in crate::server) async fn open_cluster(
    _options: &Options,
    database: &Infallible,
    _market: MarketOptions,
    _clock: Clock,
) -> Result<OpenLedger, OpenError> {
    match *database {}
}
