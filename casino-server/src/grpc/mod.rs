//! The gRPC service: methods, sessions, authorization and the wire format.

pub(crate) mod account_reader;
pub(crate) mod auth;
pub(crate) mod claims;
pub(crate) mod convert;
pub(crate) mod operator;
pub(crate) mod paging;
pub(crate) mod payments_client;
pub(crate) mod service;
pub(crate) mod session;
pub(crate) mod status;
