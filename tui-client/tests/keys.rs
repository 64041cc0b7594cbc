//! Names and their keys with the real game at a real casino: made, kept, moved, never told; and TLS all the way.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../casino-server/tests/support/certificates.rs"]
mod certificates;
mod support;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use certificates::Authority;
use support::{
    Home,
    casino::Casino,
    cutter::Cutter,
    pty::{self, Terminal},
};

fn keys_file(home: &Home) -> PathBuf {
    home.path().join("config/awesomestock/keys/keys.toml")
}

/// What a command printed to standard output, which must have succeeded.
fn printed(home: &Home, arguments: &[&str]) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = home.game(arguments).stdin(Stdio::null()).output().unwrap();
    let complaints = String::from_utf8(stderr).unwrap();
    assert_eq!(
        (status.code(), complaints.as_str()),
        (Some(0), ""),
        "{arguments:?}"
    );
    String::from_utf8(stdout).unwrap()
}

/// Exit code of a command that fails, and what it said to standard error.
fn failure(home: &Home, arguments: &[&str]) -> (Option<i32>, String) {
    let output = home.game(arguments).stdin(Stdio::null()).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "", "{arguments:?}");
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// All files below `folder`.
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
fn a_name_is_its_players_and_its_key_can_be_moved() {
    let folder = tempfile::tempdir().unwrap();
    let casino = Casino::start(folder.path(), "127.0.0.1:0", &["--tick", "1h"]);
    let url = casino.url();
    let (home, laptop) = (Home::new(), Home::new());
    let ann = ["--casino", &url, "--user", "ann"];
    let with = |words: &[&'static str]| -> Vec<&str> { words.iter().chain(&ann).copied().collect() };
    printed(&home, &with(&["buy-tokens", "10"]));
    assert_eq!(
        home.answers(&ann, "balance"),
        ["50 tokens and 0 stocks"],
        "plain mode too"
    );

    // The same name from another machine: one-shot, line by line, and at the table.
    let (code, said) = failure(&laptop, &with(&["balance"]));
    assert_eq!(code, Some(1));
    assert!(
        said.contains("claimed by another key") && said.contains("awesomestock key import"),
        "{said}"
    );
    let said = laptop.answers(&ann, "balance\ngamble\nbuyTokens 1").join("\n");
    assert_eq!(said.matches("claimed by another key").count(), 3, "{said}");

    let key = printed(&home, &with(&["key", "export"]));
    assert_eq!(key.trim_end().len(), 43, "one line");
    let moved = laptop.path().join("moved");
    fs::write(&moved, &key).unwrap();
    let mut import = with(&["key", "import"]);
    import.push(moved.to_str().unwrap());
    let (code, said) = failure(&laptop, &import);
    assert!(code == Some(1) && said.contains("--replace"), "{said}");
    import.push("--replace");
    let said = printed(&laptop, &import);
    assert!(said.starts_with("stored the key of ann at localhost:"), "{said}");
    assert_eq!(laptop.answers(&ann, "balance"), ["50 tokens and 0 stocks"]);
    assert_eq!(printed(&laptop, &with(&["key", "export"])), key);
}

#[test]
fn a_seat_under_anothers_name_is_refused_in_words_and_not_asked_for_again() {
    let folder = tempfile::tempdir().unwrap();
    let casino = Casino::start(folder.path(), "127.0.0.1:0", &["--tick", "1h"]);
    let wire = Cutter::start(casino.address(), vec![]);
    let (home, laptop) = (Home::new(), Home::new());
    home.answers(&["--user", "ann", "--casino", &casino.url()], "buyTokens 10");
    for (columns, rows) in [(120, 36), (80, 24)] {
        let command = pty::game(&laptop, &["--user", "ann", "--casino", &wire.url()]);
        let mut game = Terminal::open(command, columns, rows);
        game.see("rejected");
        game.see("import");
        game.type_keys("b");
        game.see("not sent");
        // The wire is the same one: a try by itself would have needed another.
        wire.cut();
        let connections = wire.connections();
        game.type_keys(":gamble\r");
        wire.wait_for_connections(connections + 1);
        game.see("rejected");
        assert_eq!(wire.connections(), connections + 1);
        game.type_keys("q");
        assert!(game.end().0.success());
    }
    // The key that opens the name opens the table.
    laptop.share_key_of(&home, "ann", &casino.url(), &wire.url());
    let game = Terminal::open(
        pty::game(&laptop, &["--user", "ann", "--casino", &wire.url()]),
        120,
        36,
    );
    game.see("● live");
    game.see("tokens 50");
}

#[test]
fn keys_are_kept_for_their_owner_alone_and_one_for_each_casino() {
    let home = Home::new();
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let casinos = folders
        .each_ref()
        .map(|folder| Casino::start(folder.path(), "127.0.0.1:0", &["--tick", "1h"]));
    let keys = casinos.each_ref().map(|casino| {
        let url = casino.url();
        printed(&home, &["balance", "--casino", &url, "--user", "ann"]);
        printed(&home, &["key", "export", "--casino", &url, "--user", "ann"])
    });
    assert_ne!(keys[0], keys[1], "a casino is never shown the key to another");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let file = keys_file(&home);
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    assert_eq!(printed(&home, &["key", "path"]), format!("{}\n", file.display()));

    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let (code, said) = failure(
        &home,
        &["balance", "--casino", &casinos[0].url(), "--user", "ann"],
    );
    assert_eq!(code, Some(1));
    assert!(said.contains("others can read it; chmod 600"), "{said}");
}

#[test]
fn a_solo_game_has_no_key() {
    let home = Home::new();
    home.answers(&["--user", "ann", "--tick", "1h"], "buyTokens 5");
    assert!(!keys_file(&home).exists());
    let (code, said) = failure(&home, &["key", "export"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("a solo game needs no key"), "{said}");
}

#[test]
fn what_is_no_key_is_not_imported_and_not_repeated() {
    let home = Home::new();
    let file = home.path().join("key");
    let path = file.to_str().unwrap();
    let at = ["--casino", "http://localhost:1", "--user", "ann"];
    for text in [
        "",
        "s3cret",
        "s3cret s3cret s3cret s3cret s3cret s3cret s3",
        &"s3cret".repeat(10_000),
    ] {
        fs::write(&file, text).unwrap();
        let (code, said) = failure(&home, &[&["key", "import", path], &at[..]].concat());
        assert_eq!(code, Some(1));
        assert!(
            said.contains("is not a key") && !said.contains("s3cret"),
            "{said}"
        );
    }
    assert!(!keys_file(&home).exists());
}

#[test]
fn a_key_is_in_no_log_no_recording_and_on_no_screen() {
    let folder = tempfile::tempdir().unwrap();
    let casino = Casino::start(folder.path(), "127.0.0.1:0", &["--tick", "1h"]);
    let (home, url) = (Home::new(), casino.url());
    let tape = home.path().join("session.jsonl");
    let arguments = [
        "--casino",
        &url,
        "--user",
        "ann",
        "--record",
        tape.to_str().unwrap(),
    ];
    let mut command = pty::game(&home, &arguments);
    command.env("AWESOMESTOCK_LOG", "trace");
    let mut game = Terminal::open(command, 120, 36);
    game.see("● live");
    game.type_keys("t100\r");
    game.see("tokens 500");
    game.type_keys("b");
    game.see("✓ BUY 1 at 10");
    let shown = game.bytes();
    game.type_keys("q");
    let (ended, left) = game.end();
    assert!(ended.success(), "{left}");
    let doctor = printed(&home, &["doctor", "--casino", &url, "--user", "ann"]);
    let kept = doctor.lines().find(|line| line.contains("  key "));
    assert!(kept.unwrap().contains("of ann at localhost:"), "{doctor}");

    let key = printed(&home, &["key", "export", "--casino", &url, "--user", "ann"]);
    let key = key.trim_end();
    let holds = |bytes: &[u8]| bytes.windows(key.len()).any(|window| window == key.as_bytes());
    assert!(!holds(&shown) && !left.contains(key) && !doctor.contains(key));
    let files = files(home.path());
    assert!(
        files.iter().any(|file| file.ends_with("awesomestock.log")),
        "{files:?}"
    );
    assert!(files.contains(&tape));
    for file in files {
        let is_ring = file == keys_file(&home);
        assert_eq!(holds(&fs::read(&file).unwrap()), is_ring, "{}", file.display());
    }
}

#[test]
fn the_doctor_makes_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let casino = Casino::start(folder.path(), "127.0.0.1:0", &["--tick", "1h"]);
    let home = Home::new();
    let said = printed(&home, &["doctor", "--casino", &casino.url(), "--user", "ann"]);
    assert!(said.contains("none yet, the first game creates it"), "{said}");
    assert!(!keys_file(&home).exists());
}

#[test]
fn a_key_is_not_sent_in_the_open() {
    let home = Home::new();
    let open = ["balance", "--casino", "http://192.0.2.1:10000", "--user", "ann"];
    let (code, said) = failure(&home, &open);
    assert_eq!(code, Some(2));
    assert!(
        said.contains("could be read on the network") && said.contains("--allow-plaintext"),
        "{said}"
    );
    assert!(!keys_file(&home).exists());
}

#[test]
fn a_table_by_tls_with_a_payments_server_that_knows_its_casino() {
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
    let known = Casino::start(folder.path(), "127.0.0.1:0", &[&tls[..], &to_payments].concat());
    let home = Home::new();
    let url = format!("https://{}", known.address());
    let trusting = ["--casino", &url, "--tls-ca", ca, "--user", "ann"];
    let said = home.answers(&trusting, "buyTokens 10\npaymentStatement");
    assert!(
        said.iter().any(|line| line.starts_with("FINAL BALANCE")),
        "{said:?}"
    );
    let (code, said) = failure(&home, &["balance", "--casino", &url, "--user", "ann"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("trust it with --tls-ca FILE"), "{said}");
    let plain = url.replace("https", "http");
    let (_, said) = failure(&home, &["balance", "--casino", &plain, "--user", "ann"]);
    // What is seen of a refused handshake first is chance, and with it whether the words name https.
    assert!(said.contains("cannot reach the casino"), "{said}");
    let mut game = Terminal::open(pty::game(&home, &trusting), 120, 36);
    game.see("● live");
    game.type_keys("q");
    assert!(game.end().0.success());

    let other_folder = tempfile::tempdir().unwrap();
    let unknown = Casino::start(other_folder.path(), "127.0.0.1:0", &to_payments[..4]);
    let said = home.answers(&["--casino", &unknown.url(), "--user", "ann"], "paymentStatement");
    let words = "the payments server rejected this casino's secret";
    assert!(said.join("\n").contains(words), "{said:?}");
}
