//! Command line, options and their bounds, store URL, secrets, and the environment (clock and disk).

#[cfg(feature = "server")]
pub(crate) mod args;
#[cfg(feature = "server")]
pub(crate) mod certificate;
pub(crate) mod clock;
pub(crate) mod environment;
pub(crate) mod limits;
#[cfg(feature = "server")]
mod operator;
pub(crate) mod options;
pub(crate) mod payments_endpoint;
#[cfg(feature = "server")]
mod secrets;
pub(crate) mod store_url;

#[cfg(feature = "server")]
pub use self::args::{Args, Task};
#[cfg(feature = "server")]
pub use self::certificate::{CertArgs, CertError, create};
#[cfg(feature = "server")]
pub use self::operator::{OperatorArgs, RoundArgs, RoundCallError, RoundTask};
#[cfg(feature = "server")]
pub use self::secrets::{PaymentsArgs, SecurityError};
