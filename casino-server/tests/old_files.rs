//! A ledger written by commit 5fedfd6 opens with all its data.

mod support;

use std::fs;

use awesomestock_proto::auth::{BearerInterceptor, PlayerKey};
use awesomestock_proto::casino::casino_client::CasinoClient;
use awesomestock_proto::casino::{TradesRequest, Wallet};
use support::process::{CasinoProcess, run};
use support::{ledger_path, user};

/// The key that claimed ann's name.
const ANNS_KEY: &str = "mt0eLoxHbueknXGLFJGo9j3L5CBvPjhHtbjvqdyGKD4";

#[tokio::test]
async fn an_old_ledger_opens_with_all_data_and_stays_usable() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger_path(&folder);
    fs::copy(
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/old_files/casino.db"),
        &ledger,
    )
    .unwrap();
    let server = CasinoProcess::start(&ledger, &["--tick", "1h"]);
    let key = PlayerKey::parse(ANNS_KEY).unwrap();
    let mut client =
        CasinoClient::with_interceptor(server.channel(), BearerInterceptor::player_key(Some(&key)));
    let wallet = client.get_wallet(user("ann")).await.unwrap().into_inner();
    let expected = Wallet {
        tokens: 425,
        stocks: 5,
        cost_basis: 25,
        dollars_in: 100,
        dollars_out: 10,
        version: wallet.version,
        ..Wallet::default()
    };
    assert_eq!(wallet, expected);
    let request = TradesRequest {
        user: Some(user("ann")),
        ..TradesRequest::default()
    };
    let trades = client.get_trades(request).await.unwrap().into_inner().trades;
    let trades: Vec<_> = trades
        .iter()
        .map(|trade| (trade.number, trade.stocks_count, trade.price))
        .collect();
    assert_eq!(trades, [(1, 9, 5), (2, 4, 5)]);
    server.terminate();
    assert_eq!(server.wait().0.code(), Some(0));
    let (code, totals, stderr) = run(&["check", "--store", &format!("sqlite:{}", ledger.display())]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{totals}");
    assert!(
        totals.starts_with("2 players, 3 payments, 3 trades, "),
        "{totals}"
    );
}
