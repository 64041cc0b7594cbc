//! A prost codec whose buffers start small: a server holds two for each open stream, and most streams carry little.

use std::marker::PhantomData;

use prost::Message;
use prost::bytes::Buf;
use tonic::Status;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

/// Bytes of an encoder's first buffer: two prices. tonic's default is 8 KiB.
const ENCODE_BUFFER_BYTES: usize = 64;

/// Bytes of a decoder's first buffer: most sessions never send an order. tonic's default is 8 KiB.
const DECODE_BUFFER_BYTES: usize = 0;

/// Bytes after which an encoder hands on what it has.
const YIELD_BYTES: usize = 32 * 1024;

/// Encodes `T` and decodes `U`, with small buffers.
#[derive(Debug)]
pub struct SmallBufferCodec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for SmallBufferCodec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for SmallBufferCodec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self::default()
    }

    fn decoder(&mut self) -> Self {
        Self::default()
    }
}

impl<T: Message, U> Encoder for SmallBufferCodec<T, U> {
    type Item = T;
    type Error = Status;

    fn encode(&mut self, message: T, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        message
            .encode(buffer)
            .map_err(|error| Status::internal(error.to_string()))
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(ENCODE_BUFFER_BYTES, YIELD_BYTES)
    }
}

impl<T, U: Message + Default> Decoder for SmallBufferCodec<T, U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        let length = buffer.remaining();
        let message = match buffer.chunk() {
            // Decoding from one slice avoids a check for the next chunk at every field.
            whole if whole.len() == length => {
                let message = U::decode(whole);
                buffer.advance(length);
                message
            }
            _ => U::decode(buffer),
        };
        message
            .map(Some)
            .map_err(|error| Status::internal(error.to_string()))
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(DECODE_BUFFER_BYTES, YIELD_BYTES)
    }
}
