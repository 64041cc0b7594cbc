//! Bearer tokens: a player's key, and the secret shared by two servers. Neither is ever part of a `Debug`
//! text, an error or a log.

use std::path::{Path, PathBuf};
use std::{env, fmt, fs, io};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;
use tonic::metadata::{Ascii, MetadataMap, MetadataValue};
use tonic::service::Interceptor;
use tonic::{Code, Request, Status};

use crate::command_line;

/// Metadata key of the token, as in HTTP.
pub const AUTHORIZATION: &str = "authorization";

/// Matched without case.
const SCHEME: &str = "Bearer";

/// Bytes of a player's key.
pub const KEY_BYTES: usize = 32;

/// Characters of an encoded player's key.
const KEY_CHARS: usize = 43;

/// Characters of a shared secret: enough not to be guessed, few enough for a header.
const SECRET_CHARS: std::ops::RangeInclusive<usize> = 16..=512;

/// Environment variable of the secret shared by casino and payments server.
pub const SECRET_VARIABLE: &str = "PAYMENTS_SECRET";

/// Environment variable of the secret shared by a casino and its operator.
pub const OPERATOR_SECRET_VARIABLE: &str = "OPERATOR_SECRET";

/// A secret that cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read.
    #[error("{option}: cannot read the secret file {path}", path = command_line::secret_path(path))]
    Unreadable {
        /// The option.
        option: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The text is not a valid secret.
    #[error("{origin}")]
    Bad {
        /// Option and file, or variable.
        origin: String,
        /// The rule that is violated.
        source: CredentialError,
    },
}

impl SecretError {
    /// Returns whether the variable is wrong, not a file.
    #[must_use]
    pub fn is_from_variable(&self) -> bool {
        matches!(self, Self::Bad { origin, .. } if [SECRET_VARIABLE, OPERATOR_SECRET_VARIABLE].contains(&origin.as_str()))
    }
}

/// An invalid credential. Messages never include it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// No bearer token, or more than one.
    #[error("authorization: must be one `Bearer` token")]
    Form,
    /// Not a key.
    #[error("a key must be {KEY_CHARS} characters: letters, digits, - and _")]
    Key,
    /// Not a secret.
    #[error(
        "a secret must be one line of {} to {} ASCII characters without spaces",
        SECRET_CHARS.start(),
        SECRET_CHARS.end()
    )]
    Secret,
}

/// A player's key: 256 random bits, encoded as base64url without padding. Compared in constant time.
#[derive(Clone)]
pub struct PlayerKey([u8; KEY_BYTES]);

impl PlayerKey {
    /// Creates a key from random bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// Decodes a key.
    ///
    /// # Errors
    ///
    /// `text` is not a key.
    pub fn parse(text: &str) -> Result<Self, CredentialError> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| CredentialError::Key)?;
        bytes.try_into().map(Self).map_err(|_| CredentialError::Key)
    }

    /// Returns the key in `metadata`, if there is a token.
    ///
    /// # Errors
    ///
    /// The token is not a key.
    pub fn from_metadata(metadata: &MetadataMap) -> Result<Option<Self>, CredentialError> {
        token(metadata)?.map(Self::parse).transpose()
    }

    /// Returns the key's bytes, for hashing.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// Encodes the key, for the key file and for export.
    #[must_use]
    pub fn expose(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }
}

impl PartialEq for PlayerKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for PlayerKey {}

impl fmt::Debug for PlayerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlayerKey(..)")
    }
}

/// A secret shared by two servers.
#[derive(Clone)]
pub struct SharedSecret(String);

impl SharedSecret {
    /// Parses a secret; surrounding white space, such as the line end of a file, is ignored.
    ///
    /// # Errors
    ///
    /// The text is too short, too long, or has characters other than visible ASCII.
    pub fn parse(text: &str) -> Result<Self, CredentialError> {
        let text = text.trim();
        if SECRET_CHARS.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(CredentialError::Secret)
        }
    }

    /// Reads the secret from `file`, which is the value of `option`, or without it from the environment variable
    /// `variable` if that is set.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or a secret is invalid, including one of an unused variable.
    pub fn read(
        file: Option<&Path>,
        option: &'static str,
        variable: &str,
    ) -> Result<Option<Self>, SecretError> {
        let parse = |origin: String, text: &str| {
            Self::parse(text).map_err(|source| SecretError::Bad { origin, source })
        };
        // A text that is not UTF-8 is not a secret either.
        let variable = env::var_os(variable)
            .map(|text| parse(variable.to_owned(), &text.to_string_lossy()))
            .transpose()?;
        let Some(path) = file else {
            return Ok(variable);
        };
        let text = fs::read_to_string(path).map_err(|source| SecretError::Unreadable {
            option,
            path: path.to_owned(),
            source,
        })?;
        parse(format!("{option}: {}", path.display()), &text).map(Some)
    }

    /// Rejects a call without this secret; a wrong one with the code `wrong`.
    ///
    /// # Errors
    ///
    /// UNAUTHENTICATED if the token is missing or malformed.
    pub fn check(&self, metadata: &MetadataMap, wrong: Code) -> Result<(), Status> {
        match self.matches(metadata) {
            Ok(Some(true)) => Ok(()),
            Ok(Some(false)) => Err(Status::new(wrong, "wrong secret")),
            Ok(None) => Err(Status::unauthenticated(
                "the secret is missing (metadata authorization: Bearer SECRET)",
            )),
            Err(error) => Err(Status::unauthenticated(error.to_string())),
        }
    }

    /// Returns whether `metadata` has this secret, compared in constant time; `None` without a token.
    fn matches(&self, metadata: &MetadataMap) -> Result<Option<bool>, CredentialError> {
        let shown = token(metadata)?;
        Ok(shown.map(|shown| self.0.as_bytes().ct_eq(shown.as_bytes()).into()))
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecret(..)")
    }
}

/// Returns the bearer token in `metadata`, if there is one.
fn token(metadata: &MetadataMap) -> Result<Option<&str>, CredentialError> {
    let mut values = metadata.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(CredentialError::Form);
    }
    let value = value.to_str().map_err(|_| CredentialError::Form)?;
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(SCHEME) => Ok(Some(token.trim())),
        _ => Err(CredentialError::Form),
    }
}

/// Adds a bearer token to every call, or nothing.
#[derive(Debug, Clone, Default)]
pub struct BearerInterceptor(Option<MetadataValue<Ascii>>);

impl BearerInterceptor {
    /// Creates an interceptor for `key`, if there is one.
    #[must_use]
    pub fn player_key(key: Option<&PlayerKey>) -> Self {
        Self(key.and_then(|key| bearer(&key.expose())))
    }

    /// Creates an interceptor for `secret`, if there is one.
    #[must_use]
    pub fn secret(secret: Option<&SharedSecret>) -> Self {
        Self(secret.and_then(|secret| bearer(&secret.0)))
    }
}

impl Interceptor for BearerInterceptor {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            request.metadata_mut().insert(AUTHORIZATION, token.clone());
        }
        Ok(request)
    }
}

/// Returns `Some` for all valid tokens. The value is marked sensitive, so that HTTP/2 does not index it.
fn bearer(token: &str) -> Option<MetadataValue<Ascii>> {
    let mut value = MetadataValue::try_from(format!("{SCHEME} {token}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITTEN: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

    fn key() -> PlayerKey {
        PlayerKey::from_bytes(std::array::from_fn(|index| u8::try_from(index).unwrap()))
    }

    fn metadata(values: &[&str]) -> MetadataMap {
        let mut metadata = MetadataMap::new();
        for value in values {
            metadata.append(AUTHORIZATION, value.parse().unwrap());
        }
        metadata
    }

    #[test]
    fn an_encoded_key_is_decoded_again() {
        assert_eq!(key().expose(), WRITTEN);
        assert_eq!(PlayerKey::parse(WRITTEN), Ok(key()));
        let short = &WRITTEN[1..];
        for text in [
            "",
            "x",
            short,
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+",
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9",
            "\u{1b}AECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
        ] {
            assert_eq!(PlayerKey::parse(text), Err(CredentialError::Key), "{text:?}");
        }
    }

    #[test]
    fn metadata_has_at_most_one_bearer_token() {
        let bearer = format!("Bearer {WRITTEN}");
        let in_small_letters = format!("bearer  {WRITTEN}");
        for (values, expected) in [
            (&[][..], Ok(None)),
            (&[bearer.as_str()], Ok(Some(key()))),
            (&[in_small_letters.as_str()], Ok(Some(key()))),
            (&[bearer.as_str(), bearer.as_str()], Err(CredentialError::Form)),
            (&[WRITTEN], Err(CredentialError::Form)),
            (&["Basic YTpi"], Err(CredentialError::Form)),
            (&["Bearer "], Err(CredentialError::Key)),
            (&["Bearer x"], Err(CredentialError::Key)),
        ] {
            assert_eq!(
                PlayerKey::from_metadata(&metadata(values)),
                expected,
                "{values:?}"
            );
        }
    }

    #[test]
    fn a_secret_is_one_line_of_16_to_512_characters() {
        let long = "x".repeat(512);
        for (text, good) in [
            ("0123456789abcdef", true),
            (" 0123456789abcdef\n", true),
            (&long, true),
            ("0123456789abcde", false),
            ("0123456789 abcdef", false),
            ("0123456789abcdé\u{301}", false),
            ("", false),
        ] {
            assert_eq!(SharedSecret::parse(text).is_ok(), good, "{text:?}");
        }
        assert!(SharedSecret::parse(&"x".repeat(513)).is_err());
    }

    #[test]
    fn a_secret_matches_only_itself() {
        let secret = SharedSecret::parse("0123456789abcdef").unwrap();
        for (values, expected) in [
            (&[][..], Ok(None)),
            (&["Bearer 0123456789abcdef"], Ok(Some(true))),
            (&["Bearer 0123456789abcdeg"], Ok(Some(false))),
            (&["Bearer 0123456789abcdef0"], Ok(Some(false))),
            (&["Basic x"], Err(CredentialError::Form)),
        ] {
            assert_eq!(secret.matches(&metadata(values)), expected, "{values:?}");
        }
    }

    #[test]
    fn debug_texts_and_errors_do_not_include_credentials() {
        let secret = SharedSecret::parse("0123456789abcdef").unwrap();
        let mut request = BearerInterceptor::player_key(Some(&key()))
            .call(Request::new(()))
            .unwrap();
        let shows = format!("{:?}", BearerInterceptor::player_key(Some(&key())));
        let text = format!("{:?} {secret:?} {shows} {request:?}", key());
        for hidden in [WRITTEN, "0123456789abcdef", "[0, 1, 2"] {
            assert!(!text.contains(hidden), "{text}");
        }
        assert_eq!(PlayerKey::from_metadata(request.metadata()), Ok(Some(key())));
        request = BearerInterceptor::default().call(Request::new(())).unwrap();
        assert_eq!(PlayerKey::from_metadata(request.metadata()), Ok(None));
    }
}
