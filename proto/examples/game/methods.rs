//! Methods of the service that a lesson has no more to say about.
//!
//! Each macro stands in an `impl Casino for Lesson`, before the methods that the lesson is about. A macro cannot write an
//! `async fn` there, so it writes what `#[tonic::async_trait]` makes of one.

/// Implements a method: its name, its request, its response, and what it returns.
macro_rules! method {
    ($method:ident($this:ident, $request:ident: $of:ty) -> $response:ty $body:block) => {
        fn $method<'life0, 'async_trait>(
            &'life0 self,
            $request: tonic::Request<$of>,
        ) -> std::pin::Pin<Box<dyn Future<Output = game::Reply<$response>> + Send + 'async_trait>>
        where
            'life0: 'async_trait,
            Self: 'async_trait,
        {
            let $this = self;
            Box::pin(async move { $body })
        }
    };
}

/// The methods that the game added to the course's contract. They answer UNIMPLEMENTED, as an old server does.
macro_rules! added_methods {
    () => {
        added_methods! {
            get_wallet(awesomestock_proto::types::User) -> awesomestock_proto::casino::Wallet;
            get_trades(awesomestock_proto::casino::TradesRequest) -> awesomestock_proto::casino::Trades;
            get_price_history(awesomestock_proto::casino::PriceHistoryRequest)
                -> awesomestock_proto::casino::PriceHistory;
            get_leaderboard(awesomestock_proto::types::User) -> awesomestock_proto::casino::Leaderboard;
            get_candles(awesomestock_proto::casino::CandlesRequest) -> awesomestock_proto::casino::Candles;
            get_orders(awesomestock_proto::types::User) -> awesomestock_proto::casino::Orders;
            cancel_order(awesomestock_proto::casino::CancelOrderRequest) -> awesomestock_proto::casino::Order;
        }
    };
    ($($method:ident($request:ty) -> $response:ty;)*) => { $(
        method!($method(_lesson, _request: $request) -> $response {
            Err(tonic::Status::unimplemented("not in the course's contract"))
        });
    )* };
}

/// The calls of step 3, on the field `table`.
macro_rules! unary_methods {
    () => {
        method!(buy_tokens(lesson, request: awesomestock_proto::types::Payment) -> awesomestock_proto::casino::Tokens {
            Ok(tonic::Response::new(lesson.table.buy_tokens(request.get_ref())?))
        });
        method!(withdraw(lesson, request: awesomestock_proto::casino::WithdrawRequest) -> awesomestock_proto::types::Payment {
            Ok(tonic::Response::new(lesson.table.withdraw(request.get_ref())?))
        });
        method!(get_token_balance(lesson, request: awesomestock_proto::types::User) -> awesomestock_proto::casino::Tokens {
            Ok(tonic::Response::new(lesson.table.balance(request.get_ref())))
        });
    };
}

/// The calls of steps 3 and 4, on the field `table`. The statement is written here, without a payments server.
macro_rules! earlier_methods {
    () => {
        added_methods!();
        unary_methods!();

        type GetPaymentsStream = game::Messages<awesomestock_proto::types::Payment>;

        method!(get_payments(lesson, request: awesomestock_proto::types::User) -> Self::GetPaymentsStream {
            let payments = lesson.table.payments(request.get_ref()).into_iter().map(Ok);
            let payments: Self::GetPaymentsStream = Box::pin(tokio_stream::iter(payments));
            Ok(tonic::Response::new(payments))
        });
        method!(get_payment_statement(lesson, request: awesomestock_proto::types::User) -> awesomestock_proto::types::PaymentStatement {
            Ok(tonic::Response::new(game::statement(&lesson.table.payments(request.get_ref()))))
        });
    };
}
