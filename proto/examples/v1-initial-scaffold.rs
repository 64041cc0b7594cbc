//! Step 1, `v1-initial-scaffold`: the contract as Rust code, before any network.
//!
//! Look at `impl Casino for Lesson`. The build makes one method for each `rpc` line of
//! [proto/casino/casino.proto](../casino/casino.proto). A service is a struct and a call is an `async fn`, so `play` can
//! call it without a server. A method that is not ready answers UNIMPLEMENTED.
//!
//! In the casino: [casino-server/src/grpc/service.rs](../../casino-server/src/grpc/service.rs) `gamble`.

#[macro_use]
mod game;

use std::io;

use awesomestock_proto::casino::casino_server::Casino;
use awesomestock_proto::casino::{Action, ActionType, GambleInfo, Tokens, WithdrawRequest};
use awesomestock_proto::types::{Payment, PaymentStatement, User};
use game::{Messages, Reply};
use prost::Message;
use tonic::{Request, Status, Streaming};

struct Lesson;

#[tonic::async_trait]
impl Casino for Lesson {
    type GetPaymentsStream = Messages<Payment>;
    type GambleStream = Messages<GambleInfo>;

    added_methods!();

    async fn buy_tokens(&self, _: Request<Payment>) -> Reply<Tokens> {
        Err(Status::unimplemented("see step 3"))
    }

    async fn withdraw(&self, _: Request<WithdrawRequest>) -> Reply<Payment> {
        Err(Status::unimplemented("see step 3"))
    }

    async fn get_token_balance(&self, _: Request<User>) -> Reply<Tokens> {
        Err(Status::unimplemented("see step 3"))
    }

    async fn get_payments(&self, _: Request<User>) -> Reply<Self::GetPaymentsStream> {
        Err(Status::unimplemented("see step 4"))
    }

    async fn get_payment_statement(&self, _: Request<User>) -> Reply<PaymentStatement> {
        Err(Status::unimplemented("see step 4"))
    }

    async fn gamble(&self, _: Request<Streaming<Action>>) -> Reply<Self::GambleStream> {
        Err(Status::unimplemented("see step 5"))
    }
}

async fn play(out: &mut dyn io::Write) -> game::Result<()> {
    // A message is a struct. On the wire it is the number and the value of each field that is not 0.
    let action = game::action("ada", ActionType::Buy, 2);
    writeln!(out, "{action:?}")?;
    writeln!(out, "{:02x?}", action.encode_to_vec())?;

    match Lesson.buy_tokens(Request::new(game::payment("ada", 100))).await {
        Ok(tokens) => writeln!(out, "{} tokens", tokens.get_ref().count)?,
        Err(status) => writeln!(out, "{:?}: {}", status.code(), status.message())?,
    }
    Ok(())
}

#[tokio::main]
async fn main() -> game::Result<()> {
    play(&mut io::stdout()).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_nine_bytes() {
        let bytes = game::action("ada", ActionType::Buy, 2).encode_to_vec();
        // Field 1, 5 bytes: a user, whose field 1 is "ada". Field 3: 2. BUY is 0 and takes no byte.
        assert_eq!(bytes, [0x0a, 5, 0x0a, 3, b'a', b'd', b'a', 0x18, 2]);
    }

    #[tokio::test]
    async fn a_method_is_called_without_a_server() {
        let status = Lesson.get_token_balance(Request::new(game::user("ada"))).await;
        assert_eq!(status.unwrap_err().code(), tonic::Code::Unimplemented);
    }
}
