//! The lessons speak the casino's protocol: the finale's client plays at the real casino, and the real client at the
//! finale's server.

#[path = "../../proto/examples/v6-finale.rs"]
#[allow(dead_code)]
mod finale;
mod support;

use support::Home;
use support::casino::Casino;
use tokio::net::TcpListener;

/// Plays with the finale's client at `url`. Returns what it printed.
async fn play(url: String) -> Vec<String> {
    let mut out = Vec::new();
    finale::play(url, &mut out).await.unwrap();
    let text = String::from_utf8(out).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn the_client_of_the_finale_plays_at_the_casino() {
    let folder = tempfile::tempdir().unwrap();
    let payments = Casino::start_payments(&[]);
    let payments_url = payments.url();
    let casino = Casino::start(
        folder.path(),
        "127.0.0.1:0",
        &["--tick", "200ms", "--seed", "7", "--payments", &payments_url],
    );
    let lines = play(casino.url()).await;
    let prices = lines.iter().filter(|line| line.contains(" price: ")).count();
    assert!(prices >= 4, "{lines:#?}");
    let executed = lines
        .iter()
        .filter(|line| *line == "operation executed successfully");
    assert_eq!(executed.count(), 2, "{lines:#?}");
    for line in [
        "you have 2 stocks, not 50",
        "the casino closed the stream",
        "paid out 20 dollars",
        "Player: ada",
    ] {
        assert!(lines.iter().any(|printed| printed == line), "{line}: {lines:#?}");
    }
    casino.end();
    payments.end();
}

#[tokio::test]
async fn the_real_client_plays_at_the_server_of_the_finale() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let script = "buyTokens 100\ngamble\nbuy 2\nsell 1\nsell 50\nstop\nwithdraw 100\npayments\npaymentStatement\nexit\n";
    let playing = tokio::task::spawn_blocking(move || {
        let (home, place) = (Home::new(), ["--user", "ann", "--casino", &url]);
        let session = home.output_lines(&place, script);
        let once = home.output_lines(&["buy", "1", "--user", "ann", "--casino", &url], "");
        (session, once)
    });
    let (session, once) = tokio::select! {
        ended = finale::serve(listener) => panic!("the server ended: {ended:?}"),
        played = playing => played.unwrap(),
    };
    let (prices, answers): (Vec<_>, Vec<_>) = session.iter().partition(|line| line.contains(" price: "));
    assert!(!prices.is_empty(), "{session:#?}");
    let expected = [
        "bought 500 tokens for 100 dollars",
        "operation executed successfully",
        "operation executed successfully",
        "you have 1 stocks, not 50",
        "you left the table",
        "withdrew 100 tokens: 20 dollars paid out",
        "payment 1: -100 dollars",
        "payment 2: 20 dollars",
        "-100 dollars",
        "+20 dollars",
        "FINAL BALANCE -80 dollars",
    ];
    assert_eq!(answers, expected);
    assert_eq!(once, ["operation executed successfully"]);
}
