//! Player keys with the real game and casino: created, stored, moved and never printed; and TLS on every connection.

#[path = "../../casino-server/tests/support/certificates.rs"]
mod certificates;
mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use certificates::Authority;
use support::Home;
use support::casino::Casino;
use support::proxy::Proxy;
use support::pty::{self, Terminal};

fn keys_file(home: &Home) -> PathBuf {
    home.path().join("config/awesomestock/keys/keys.toml")
}

/// Runs a command that must succeed. Returns its standard output.
fn run_ok(home: &Home, arguments: &[&str]) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = home.game(arguments).stdin(Stdio::null()).output().unwrap();
    let stderr = String::from_utf8(stderr).unwrap();
    assert_eq!((status.code(), stderr.as_str()), (Some(0), ""), "{arguments:?}");
    String::from_utf8(stdout).unwrap()
}

/// Runs a command that must fail. Returns its exit code and standard error.
fn run_failing(home: &Home, arguments: &[&str]) -> (Option<i32>, String) {
    let output = home.game(arguments).stdin(Stdio::null()).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "", "{arguments:?}");
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// Lists all files below `folder`.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

#[test]
fn a_name_belongs_to_its_key_and_the_key_can_be_moved() {
    let folder = tempfile::tempdir().unwrap();
    let casino = Casino::start(folder.path(), "127.0.0.1:0", &["--tick", "1h"]);
    let url = casino.url();
    let (home, laptop) = (Home::new(), Home::new());
    let ann = ["--casino", &url, "--user", "ann"];
    let with = |args: &[&'static str]| -> Vec<&str> { args.iter().chain(&ann).copied().collect() };
    run_ok(&home, &with(&["buy-tokens", "10"]));
    assert_eq!(
        home.output_lines(&ann, "balance"),
        ["50 tokens and 0 stocks"],
        "plain mode too"
    );

    // The same name from another machine: one-shot, in plain mode, and in a session.
    let (code, message) = run_failing(&laptop, &with(&["balance"]));
    assert_eq!(code, Some(1));
    assert!(
        message.contains("belongs to another key") && message.contains("awesomestock key import"),
        "{message}"
    );
    let message = laptop
        .output_lines(&ann, "balance\ngamble\nbuyTokens 1")
        .join("\n");
    assert_eq!(message.matches("belongs to another key").count(), 3, "{message}");

    let key = run_ok(&home, &with(&["key", "export"]));
    assert_eq!(key.trim_end().len(), 43, "one line");
    let moved = laptop.path().join("moved");
    fs::write(&moved, &key).unwrap();
    let mut import = with(&["key", "import"]);
    import.push(moved.to_str().unwrap());
    let (code, message) = run_failing(&laptop, &import);
    assert!(code == Some(1) && message.contains("--replace"), "{message}");
    import.push("--replace");
    let message = run_ok(&laptop, &import);
    assert!(
        message.starts_with("stored the key of ann at localhost:"),
        "{message}"
    );
    assert_eq!(laptop.output_lines(&ann, "balance"), ["50 tokens and 0 stocks"]);
    assert_eq!(run_ok(&laptop, &with(&["key", "export"])), key);
}

#[test]
fn a_session_under_a_claimed_name_is_rejected_and_not_retried() {
    let folder = tempfile::tempdir().unwrap();
    let casino = Casino::start(folder.path(), "127.0.0.1:0", &["--tick", "1h"]);
    let proxy = Proxy::start(casino.address(), vec![]);
    let (home, laptop) = (Home::new(), Home::new());
    home.output_lines(&["--user", "ann", "--casino", &casino.url()], "buyTokens 10");
    for (columns, rows) in [(120, 36), (80, 24)] {
        let command = pty::game(&laptop, &["--user", "ann", "--casino", &proxy.url()]);
        let mut game = Terminal::open(command, columns, rows);
        game.see("rejected");
        game.see("import");
        game.type_keys("b");
        game.see("not sent");
        // A retry would have needed another connection.
        proxy.disconnect();
        let connections = proxy.connections();
        game.type_keys(":gamble\r");
        proxy.wait_for_connections(connections + 1);
        game.see("rejected");
        assert_eq!(proxy.connections(), connections + 1);
        game.quit();
    }
    // With the key of the name the session opens.
    laptop.share_key_of(&home, "ann", &casino.url(), &proxy.url());
    let game = Terminal::live(&laptop, &["--user", "ann", "--casino", &proxy.url()]);
    game.see("tokens 50");
}

#[test]
fn keys_are_private_and_separate_for_each_casino() {
    let home = Home::new();
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let casinos = folders
        .each_ref()
        .map(|folder| Casino::start(folder.path(), "127.0.0.1:0", &["--tick", "1h"]));
    let keys = casinos.each_ref().map(|casino| {
        let url = casino.url();
        run_ok(&home, &["balance", "--casino", &url, "--user", "ann"]);
        run_ok(&home, &["key", "export", "--casino", &url, "--user", "ann"])
    });
    assert_ne!(keys[0], keys[1], "a casino never receives the key of another");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let file = keys_file(&home);
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    assert_eq!(run_ok(&home, &["key", "path"]), format!("{}\n", file.display()));

    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let (code, message) = run_failing(
        &home,
        &["balance", "--casino", &casinos[0].url(), "--user", "ann"],
    );
    assert_eq!(code, Some(1));
    assert!(message.contains("others can read it; chmod 600"), "{message}");
}

#[test]
fn a_solo_game_has_no_key() {
    let home = Home::new();
    home.output_lines(&["--user", "ann", "--tick", "1h"], "buyTokens 5");
    assert!(!keys_file(&home).exists());
    let (code, message) = run_failing(&home, &["key", "export"]);
    assert_eq!(code, Some(1));
    assert!(message.contains("a solo game needs no key"), "{message}");
}

#[test]
fn an_invalid_key_is_not_imported_or_echoed() {
    let home = Home::new();
    let file = home.path().join("key");
    let path = file.to_str().unwrap();
    let target = ["--casino", "http://localhost:1", "--user", "ann"];
    for text in [
        "",
        "s3cret",
        "s3cret s3cret s3cret s3cret s3cret s3cret s3",
        &"s3cret".repeat(10_000),
    ] {
        fs::write(&file, text).unwrap();
        let (code, message) = run_failing(&home, &[&["key", "import", path], &target[..]].concat());
        assert_eq!(code, Some(1));
        assert!(
            message.contains("is not a key") && !message.contains("s3cret"),
            "{message}"
        );
    }
    assert!(!keys_file(&home).exists());
}

#[test]
fn a_key_is_in_no_log_recording_or_screen() {
    let folder = tempfile::tempdir().unwrap();
    let casino = Casino::start(folder.path(), "127.0.0.1:0", &["--tick", "1h"]);
    let (home, url) = (Home::new(), casino.url());
    let recording = home.path().join("session.jsonl");
    let arguments = [
        "--casino",
        &url,
        "--user",
        "ann",
        "--record",
        recording.to_str().unwrap(),
    ];
    let mut command = pty::game(&home, &arguments);
    command.env("AWESOMESTOCK_LOG", "trace");
    let mut game = Terminal::open(command, 120, 36);
    game.see("● live");
    game.buy_500_tokens();
    game.type_keys("b");
    game.see("✓ BUY 1 at 10");
    let shown = game.bytes();
    let screen = game.quit();
    let doctor = run_ok(&home, &["doctor", "--casino", &url, "--user", "ann"]);
    let key_line = doctor.lines().find(|line| line.contains("  key "));
    assert!(key_line.unwrap().contains("of ann at localhost:"), "{doctor}");

    let key = run_ok(&home, &["key", "export", "--casino", &url, "--user", "ann"]);
    let key = key.trim_end();
    let holds = |bytes: &[u8]| bytes.windows(key.len()).any(|window| window == key.as_bytes());
    assert!(!holds(&shown) && !screen.contains(key) && !doctor.contains(key));
    let files = files(home.path());
    assert!(
        files.iter().any(|file| file.ends_with("awesomestock.log")),
        "{files:?}"
    );
    assert!(files.contains(&recording));
    for file in files {
        let is_keys_file = file == keys_file(&home);
        assert_eq!(
            holds(&fs::read(&file).unwrap()),
            is_keys_file,
            "{}",
            file.display()
        );
    }
}

#[test]
fn the_doctor_creates_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let casino = Casino::start(folder.path(), "127.0.0.1:0", &["--tick", "1h"]);
    let home = Home::new();
    let message = run_ok(&home, &["doctor", "--casino", &casino.url(), "--user", "ann"]);
    assert!(
        message.contains("none yet, the first game creates it"),
        "{message}"
    );
    assert!(!keys_file(&home).exists());
}

#[test]
fn a_key_is_not_sent_unencrypted() {
    let home = Home::new();
    let open = ["balance", "--casino", "http://192.0.2.1:10000", "--user", "ann"];
    let (code, message) = run_failing(&home, &open);
    assert_eq!(code, Some(2));
    assert!(
        message.contains("could be read on the network") && message.contains("--allow-plaintext"),
        "{message}"
    );
    assert!(!keys_file(&home).exists());
}

#[test]
fn tls_from_the_client_to_the_casino_and_the_payments_server() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let secret = folder.path().join("secret");
    fs::write(&secret, "a secret of more than sixteen".replace(' ', "-")).unwrap();
    let signed = authority.sign();
    let ca = authority.ca();
    let [cert, key, ca, secret] =
        [&signed.cert, &signed.key, &ca, &secret].map(|path| path.to_str().unwrap());
    let tls = ["--tls-cert", cert, "--tls-key", key];
    let payments = Casino::start_payments(&[&tls[..], &["--secret-file", secret]].concat());
    let payments_url = format!("https://{}", payments.address());
    let to_payments = [
        "--payments",
        &payments_url,
        "--tls-ca",
        ca,
        "--payments-secret-file",
        secret,
    ];
    let casino = Casino::start(folder.path(), "127.0.0.1:0", &[&tls[..], &to_payments].concat());
    let home = Home::new();
    let url = format!("https://{}", casino.address());
    let client_args = ["--casino", &url, "--tls-ca", ca, "--user", "ann"];
    let message = home.output_lines(&client_args, "buyTokens 10\npaymentStatement");
    assert!(
        message.iter().any(|line| line.starts_with("FINAL BALANCE")),
        "{message:?}"
    );
    let (code, message) = run_failing(&home, &["balance", "--casino", &url, "--user", "ann"]);
    assert_eq!(code, Some(1));
    assert!(message.contains("trust it with --tls-ca FILE"), "{message}");
    let plain = url.replace("https", "http");
    let (_, message) = run_failing(&home, &["balance", "--casino", &plain, "--user", "ann"]);
    // A failed handshake can be reported in several ways, so the hint about https is not always there.
    assert!(message.contains("cannot reach the casino"), "{message}");
    let game = Terminal::live(&home, &client_args);
    game.quit();

    let other_folder = tempfile::tempdir().unwrap();
    let without_secret = Casino::start(other_folder.path(), "127.0.0.1:0", &to_payments[..4]);
    let message = home.output_lines(
        &["--casino", &without_secret.url(), "--user", "ann"],
        "paymentStatement",
    );
    let expected = "the payments server rejected this casino's secret";
    assert!(message.join("\n").contains(expected), "{message:?}");
}
