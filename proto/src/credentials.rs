//! How a caller says who it is: by a bearer token in the metadata of each call.
//!
//! Owns the forms of the two tokens, a player's key and the secret between two servers, and that neither is ever part
//! of a `Debug`, an error or a log. What a token opens is decided by those who are shown it.

use std::{
    env, fmt, fs, io,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq;
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataMap, MetadataValue},
    service::Interceptor,
};

/// Metadata key of the token, as in HTTP.
pub const AUTHORIZATION: &str = "authorization";

/// What precedes the token, in any case.
const SCHEME: &str = "Bearer";

/// Bytes of a player's key.
pub const KEY_BYTES: usize = 32;

/// Characters of a player's key as it is written.
pub const KEY_CHARS: usize = 43;

/// Characters that a secret between servers may have: enough not to be guessed, few enough for a header.
const SECRET_CHARS: std::ops::RangeInclusive<usize> = 16..=512;

/// The variable that holds the secret between casino and payments server, where no file does.
pub const SECRET_VARIABLE: &str = "PAYMENTS_SECRET";

/// Why there is no secret where one is meant to be.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Its file cannot be read.
    #[error("the secret's file {path} cannot be read", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What was found is no secret.
    #[error("{found_in}")]
    Bad {
        /// Where it was found.
        found_in: String,
        /// What a secret is.
        source: BadCredential,
    },
}

/// A token that is none, or is not the only one. Its words never repeat what was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadCredential {
    /// No bearer token, or more than one.
    #[error("authorization: one `Bearer` token is needed")]
    Form,
    /// A token that is no key.
    #[error("a key is {KEY_CHARS} characters: letters, digits, - and _")]
    Key,
    /// A text that is no secret.
    #[error(
        "a secret is one line of {} to {} ASCII characters without spaces",
        SECRET_CHARS.start(),
        SECRET_CHARS.end()
    )]
    Secret,
}

/// A player's key: 256 random bits, written as base64url without padding.
///
/// Two keys are compared in the same time whatever they are.
#[derive(Clone)]
pub struct PlayerKey([u8; KEY_BYTES]);

impl PlayerKey {
    /// The key of these bytes, which must be random.
    #[must_use]
    pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// The key that `text` is.
    ///
    /// # Errors
    ///
    /// When `text` is no key.
    pub fn parse(text: &str) -> Result<Self, BadCredential> {
        if text.len() != KEY_CHARS {
            return Err(BadCredential::Key);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| BadCredential::Key)?;
        bytes.try_into().map(Self).map_err(|_| BadCredential::Key)
    }

    /// The key that `metadata` shows; `None` if it shows none.
    ///
    /// # Errors
    ///
    /// When what it shows is no key.
    pub fn shown_in(metadata: &MetadataMap) -> Result<Option<Self>, BadCredential> {
        token(metadata)?.map(Self::parse).transpose()
    }

    /// The key's bytes, to be hashed.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// The key as it is written: for the file that keeps it, and for those who ask to see it.
    #[must_use]
    pub fn reveal(&self) -> String {
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

/// A secret that two servers share.
#[derive(Clone)]
pub struct SharedSecret(String);

impl SharedSecret {
    /// The secret in `text`; white space around it, such as a file's last line end, is no part of it.
    ///
    /// # Errors
    ///
    /// When `text` is too short, too long, or no text of visible ASCII characters.
    pub fn parse(text: &str) -> Result<Self, BadCredential> {
        let text = text.trim();
        if SECRET_CHARS.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadCredential::Secret)
        }
    }

    /// The secret in `file`; without one, that in [`SECRET_VARIABLE`], if it is set.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or holds no secret; or the variable does.
    pub fn read(file: Option<&Path>) -> Result<Option<Self>, SecretError> {
        let (found_in, text) = match file {
            Some(path) => match fs::read_to_string(path) {
                Ok(text) => (path.display().to_string(), text),
                Err(source) => {
                    let path = path.to_owned();
                    return Err(SecretError::Unreadable { path, source });
                }
            },
            None => match env::var(SECRET_VARIABLE) {
                Ok(text) if !text.is_empty() => (SECRET_VARIABLE.to_owned(), text),
                _ => return Ok(None),
            },
        };
        match Self::parse(&text) {
            Ok(secret) => Ok(Some(secret)),
            Err(source) => Err(SecretError::Bad { found_in, source }),
        }
    }

    /// Whether `metadata` shows this secret. How long it takes says nothing of how much of it is right.
    ///
    /// # Errors
    ///
    /// When it shows something that is no token.
    pub fn is_shown_in(&self, metadata: &MetadataMap) -> Result<Option<bool>, BadCredential> {
        let shown = token(metadata)?;
        Ok(shown.map(|shown| self.0.as_bytes().ct_eq(shown.as_bytes()).into()))
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecret(..)")
    }
}

/// The bearer token in `metadata`, if there is one.
fn token(metadata: &MetadataMap) -> Result<Option<&str>, BadCredential> {
    let mut values = metadata.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(BadCredential::Form);
    }
    let value = value.to_str().map_err(|_| BadCredential::Form)?;
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(SCHEME) => Ok(Some(token.trim())),
        _ => Err(BadCredential::Form),
    }
}

/// Shows a token with every call, or nothing.
#[derive(Debug, Clone, Default)]
pub struct Shows(Option<MetadataValue<Ascii>>);

impl Shows {
    /// Shows nothing.
    #[must_use]
    pub fn nothing() -> Self {
        Self(None)
    }

    /// Shows `key`, if there is one.
    #[must_use]
    pub fn key(key: Option<&PlayerKey>) -> Self {
        Self(key.and_then(|key| bearer(&key.reveal())))
    }

    /// Shows `secret`, if there is one.
    #[must_use]
    pub fn secret(secret: Option<&SharedSecret>) -> Self {
        Self(secret.and_then(|secret| bearer(&secret.0)))
    }
}

impl Interceptor for Shows {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            request.metadata_mut().insert(AUTHORIZATION, token.clone());
        }
        Ok(request)
    }
}

/// The metadata of a token, which HTTP/2 neither indexes nor shows; there is one for every token of ours.
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
    fn a_key_is_read_as_it_is_written() {
        assert_eq!(key().reveal(), WRITTEN);
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
            assert_eq!(PlayerKey::parse(text), Err(BadCredential::Key), "{text:?}");
        }
    }

    #[test]
    fn a_key_is_shown_once_and_by_itself_or_not_at_all() {
        let bearer = format!("Bearer {WRITTEN}");
        let in_small_letters = format!("bearer  {WRITTEN}");
        for (values, expected) in [
            (&[][..], Ok(None)),
            (&[bearer.as_str()], Ok(Some(key()))),
            (&[in_small_letters.as_str()], Ok(Some(key()))),
            (&[bearer.as_str(), bearer.as_str()], Err(BadCredential::Form)),
            (&[WRITTEN], Err(BadCredential::Form)),
            (&["Basic YTpi"], Err(BadCredential::Form)),
            (&["Bearer "], Err(BadCredential::Key)),
            (&["Bearer x"], Err(BadCredential::Key)),
        ] {
            assert_eq!(PlayerKey::shown_in(&metadata(values)), expected, "{values:?}");
        }
    }

    #[test]
    fn a_secret_is_one_line_that_cannot_be_guessed() {
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
    fn a_secret_is_known_again() {
        let secret = SharedSecret::parse("0123456789abcdef").unwrap();
        for (values, expected) in [
            (&[][..], Ok(None)),
            (&["Bearer 0123456789abcdef"], Ok(Some(true))),
            (&["Bearer 0123456789abcdeg"], Ok(Some(false))),
            (&["Bearer 0123456789abcdef0"], Ok(Some(false))),
            (&["Basic x"], Err(BadCredential::Form)),
        ] {
            assert_eq!(secret.is_shown_in(&metadata(values)), expected, "{values:?}");
        }
    }

    #[test]
    fn what_is_secret_is_in_no_debug_and_no_error() {
        let secret = SharedSecret::parse("0123456789abcdef").unwrap();
        let mut request = Shows::key(Some(&key())).call(Request::new(())).unwrap();
        let shows = format!("{:?}", Shows::key(Some(&key())));
        let told = format!("{:?} {secret:?} {shows} {request:?}", key());
        for hidden in [WRITTEN, "0123456789abcdef", "[0, 1, 2"] {
            assert!(!told.contains(hidden), "{told}");
        }
        assert_eq!(PlayerKey::shown_in(request.metadata()), Ok(Some(key())));
        request = Shows::nothing().call(Request::new(())).unwrap();
        assert_eq!(PlayerKey::shown_in(request.metadata()), Ok(None));
    }
}
