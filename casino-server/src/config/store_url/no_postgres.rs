//! Replaces `postgres` in a build without that feature.

pub(crate) use std::convert::Infallible as DatabaseUrl;

use super::StoreUrlError;

pub(super) fn parse(_url: &str) -> Result<DatabaseUrl, StoreUrlError> {
    Err(StoreUrlError::NoPostgres)
}

#[cfg(test)]
mod tests {
    use crate::config::store_url::StoreUrl;

    #[test]
    fn a_database_is_rejected_with_the_reason() {
        let error = "postgres://u:secret@h/casino".parse::<StoreUrl>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "this program was built without PostgreSQL: use sqlite:PATH, or build it with the feature postgres"
        );
    }
}
