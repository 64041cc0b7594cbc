//! The front: `Gamble` by a codec of our own, everything else as it is generated.
//!
//! What all seats are told alike is encoded once and copied into their streams; the generated codec would encode it
//! for each of them. What a client sees is the same, byte for byte.

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};

use awesomestock_proto::{
    casino::{Action, casino_server},
    transport,
};
use futures_util::future::BoxFuture;
use prost::{Message, bytes::Buf};
use tonic::{
    Request, Response, Status, Streaming,
    body::Body,
    codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    codegen::{Service, http},
    server::{Grpc, NamedService, StreamingService},
};

use crate::{seat::Seat, service::CasinoService, wire};

/// The path of `Gamble`.
const GAMBLE: &str = "/casino.Casino/Gamble";

/// What a stream's encoder holds from its beginning on: two prices. Most seats are told little at a time, and there
/// are many; that of a busy one grows.
const ENCODE_BUFFER_BYTES: usize = 64;

/// What a stream's decoder holds from its beginning on. Most seats never act.
const DECODE_BUFFER_BYTES: usize = 0;

/// A stream's encoder hands on what it has when it has so much.
const YIELD_BYTES: usize = 32 * 1024;

/// The casino's service as HTTP requests reach it.
#[derive(Debug, Clone)]
pub(crate) struct Front {
    casino: Arc<CasinoService>,
    others: casino_server::CasinoServer<CasinoService>,
}

impl Front {
    /// The front of `casino`.
    pub(crate) fn new(casino: CasinoService) -> Self {
        let casino = Arc::new(casino);
        let others = casino_server::CasinoServer::from_arc(Arc::clone(&casino));
        let others = others.max_decoding_message_size(transport::MAX_REQUEST_BYTES);
        Self { casino, others }
    }
}

impl NamedService for Front {
    const NAME: &'static str = casino_server::SERVICE_NAME;
}

impl Service<http::Request<Body>> for Front {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        if request.uri().path() != GAMBLE {
            return self.others.call(request);
        }
        let table = Gamble(Arc::clone(&self.casino));
        Box::pin(async move {
            let grpc = Grpc::new(Prepared);
            let mut grpc = grpc.apply_max_message_size_config(Some(transport::MAX_REQUEST_BYTES), None);
            Ok(grpc.streaming(table, request).await)
        })
    }
}

/// The method `Gamble`.
struct Gamble(Arc<CasinoService>);

impl StreamingService<Action> for Gamble {
    type Response = wire::Said;
    type ResponseStream = Seat<Streaming<Action>>;
    type Future = BoxFuture<'static, Result<Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, request: Request<Streaming<Action>>) -> Self::Future {
        let casino = Arc::clone(&self.0);
        Box::pin(async move { casino.take_seat(request).await })
    }
}

/// Actions as prost reads them; what is said, prepared or not.
struct Prepared;

impl Codec for Prepared {
    type Encode = wire::Said;
    type Decode = Action;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Prepared {
    type Item = wire::Said;
    type Error = Status;

    fn encode(&mut self, said: wire::Said, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        said.encode(buffer)
            .map_err(|error| Status::internal(error.to_string()))
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(ENCODE_BUFFER_BYTES, YIELD_BYTES)
    }
}

impl Decoder for Prepared {
    type Item = Action;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Action>, Status> {
        let length = buffer.remaining();
        let action = match buffer.chunk() {
            // Nearly always it lies in one piece: then nobody asks at every field for the next one.
            whole if whole.len() == length => {
                let action = Action::decode(whole);
                buffer.advance(length);
                action
            }
            _ => Action::decode(buffer),
        };
        action
            .map(Some)
            .map_err(|error| Status::internal(error.to_string()))
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(DECODE_BUFFER_BYTES, YIELD_BYTES)
    }
}
