//! Command line, options and their bounds, store URL, secrets, and the environment (clock and disk).

pub(crate) mod args;
pub(crate) mod certificate;
pub(crate) mod clock;
pub(crate) mod environment;
pub(crate) mod limits;
pub(crate) mod options;
mod secrets;
pub(crate) mod store_url;

pub use self::{
    args::{Args, Task},
    certificate::{CertArgs, CertError, create},
    secrets::{PaymentsArgs, PaymentsEndpoint, SecurityError},
};
