//! Replaces `cluster` in a build without PostgreSQL.

use std::convert::Infallible;

use super::{MarketOptions, OpenLedger};
use crate::{
    config::{clock::Clock, options::Options},
    feed::lobby::FeedHub,
    grpc::claims::ClaimCache,
    server::OpenError,
    store::reader::StoreReader,
};

/// There are no other casinos.
#[derive(Debug)]
pub(in crate::server) enum Cluster {}

impl Cluster {
    pub(in crate::server) async fn run(
        &mut self,
        _: &FeedHub,
        _: &ClaimCache,
        _: &StoreReader,
    ) -> Infallible {
        match *self {}
    }

    pub(in crate::server) async fn leave(&self) {
        match *self {}
    }
}

pub(in crate::server) async fn open_cluster(
    _options: &Options,
    database: &Infallible,
    _market: MarketOptions,
    _clock: Clock,
) -> Result<OpenLedger, OpenError> {
    match *database {}
}
