//! Outgoing `GambleInfo` messages that may be encoded once for many sessions.

use std::sync::Arc;

use prost::bytes::{Buf, BufMut};
use prost::encoding::{DecodeContext, WireType};
use prost::{DecodeError, Message};

use crate::casino::{self, GambleInfo, GambleType};

/// Creates the message with a content and its type.
macro_rules! contents {
    ($($field:ident: $content:ident, $type:ident;)*) => {$(
        impl From<casino::$content> for GambleInfo {
            fn from(content: casino::$content) -> Self {
                Self {
                    r#type: GambleType::$type.into(),
                    $field: Some(content),
                    ..Self::default()
                }
            }
        }
    )*};
}

contents! {
    info: StockInfo, StockInfo;
    result: ActionResult, ActionResult;
    wallet: Wallet, Wallet;
    tape: Tape, Tape;
    players: Players, Players;
    leaderboard: Leaderboard, Leaderboard;
    news: Headline, News;
    order: OrderUpdate, Order;
    round: Round, Round;
}

/// The encoding of a [`GambleInfo`] that is sent to many sessions.
pub type SharedEncoding = Arc<Vec<u8>>;

/// A [`GambleInfo`] on its way to a client: as a message, or already encoded.
///
/// It takes two words, which functions return in registers: in memory, each answer would wait about 20 ns for its copies.
#[derive(Debug, Clone, PartialEq)]
pub enum GambleFrame {
    /// Encoded when it is sent.
    Message(Box<GambleInfo>),
    /// Encoded before, for every session.
    Encoded(SharedEncoding),
    /// Encoded once.
    Constant(&'static Vec<u8>),
    /// Encoded before, followed by fields for one session: a decoder merges the two encodings into one message.
    Extended(Box<(SharedEncoding, GambleInfo)>),
}

impl From<GambleInfo> for GambleFrame {
    fn from(info: GambleInfo) -> Self {
        Self::Message(Box::new(info))
    }
}

impl Default for GambleFrame {
    fn default() -> Self {
        GambleInfo::default().into()
    }
}

impl Message for GambleFrame {
    fn encode_raw(&self, buffer: &mut impl BufMut) {
        match self {
            Self::Message(info) => info.encode_raw(buffer),
            Self::Encoded(bytes) => buffer.put_slice(bytes),
            Self::Constant(bytes) => buffer.put_slice(bytes),
            Self::Extended(extended) => {
                let (bytes, info) = &**extended;
                buffer.put_slice(bytes);
                info.encode_raw(buffer);
            }
        }
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buffer: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        // Not fast, as a server only encodes frames.
        let mut info = GambleInfo::decode(self.encode_to_vec().as_slice())?;
        let merged = info.merge_field(tag, wire_type, buffer, context);
        *self = info.into();
        merged
    }

    fn encoded_len(&self) -> usize {
        match self {
            Self::Message(info) => info.encoded_len(),
            Self::Encoded(bytes) => bytes.len(),
            Self::Constant(bytes) => bytes.len(),
            Self::Extended(extended) => extended.0.len() + extended.1.encoded_len(),
        }
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::casino::{Leaderboard, Standing};

    #[test]
    fn every_frame_is_decoded_as_one_message() {
        let shared = GambleInfo::from(Leaderboard {
            ranked: 7,
            ..Leaderboard::default()
        });
        let own = GambleInfo {
            leaderboard: Some(Leaderboard {
                own: Some(Standing {
                    rank: 3,
                    ..Standing::default()
                }),
                ..Leaderboard::default()
            }),
            ..GambleInfo::default()
        };
        let mut whole = shared.clone();
        whole.leaderboard.as_mut().unwrap().own = own.leaderboard.as_ref().unwrap().own.clone();
        let encoded = Arc::new(shared.encode_to_vec());
        assert_eq!(size_of::<GambleFrame>(), 16);
        for (frame, message) in [
            (GambleFrame::from(shared.clone()), &shared),
            (GambleFrame::Encoded(encoded.clone()), &shared),
            (
                GambleFrame::Constant(Box::leak(Box::new(shared.encode_to_vec()))),
                &shared,
            ),
            (GambleFrame::Extended(Box::new((encoded, own))), &whole),
        ] {
            let bytes = frame.encode_to_vec();
            assert_eq!(bytes.len(), frame.encoded_len());
            assert_eq!(&GambleInfo::decode(bytes.as_slice()).unwrap(), message);
            assert_eq!(
                GambleFrame::decode(bytes.as_slice()).unwrap(),
                message.clone().into()
            );
        }
    }
}
