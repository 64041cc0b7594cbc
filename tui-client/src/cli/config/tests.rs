use std::fs;
use std::path::Path;

use clap::Parser;

use super::*;
use crate::app::commands::keymap::Keymap;

/// Loads a configuration file with this `text`, overridden by `arguments`.
fn load(text: &str, arguments: &[&str]) -> Result<Config> {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("config.toml"), text).unwrap();
    load_at(home.path(), arguments)
}

fn load_at(home: &Path, arguments: &[&str]) -> Result<Config> {
    load_in(&environment(home), arguments)
}

fn load_in(environment: &UserEnvironment, arguments: &[&str]) -> Result<Config> {
    let cli = Cli::try_parse_from(std::iter::once(&"awesomestock").chain(arguments)).unwrap();
    Config::load(&cli, environment)
}

fn environment(home: &Path) -> UserEnvironment {
    UserEnvironment {
        config_dir: home.to_owned(),
        data_dir: home.join("data"),
        system_user: Some("mary ann".to_owned()),
        no_color: false,
        dumb: false,
        markers: Markers::Braille,
    }
}

#[test]
fn the_printed_file_has_every_key_with_its_default() {
    let text = template();
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    let printed = file::parse(&text).unwrap();
    assert_eq!((printed.options, printed.keys), Default::default());

    let set = |line: &str| match line.strip_prefix('#') {
        Some(key) if key.starts_with(|first: char| first.is_ascii_lowercase()) => format!("{key}\n"),
        _ => format!("{line}\n"),
    };
    let file::Content { options, keys } = file::parse(&text.lines().map(set).collect::<String>()).unwrap();
    assert_eq!(keys, Keymap::default());
    let known = Cli::definition();
    let known = known.get_arguments().filter_map(clap::Arg::get_long).count();
    let set = toml::Table::try_from(&options).unwrap();
    // Not `config`, `record`, `cast` and `watch`.
    assert_eq!(set.len(), known - 4, "{set}");

    let environment = environment(Path::new("/nowhere"));
    let defaults = Config::check(&Options::default(), &environment).unwrap();
    let options = Options {
        tls_ca: None,
        user: None,
        initial_price: None,
        seed: None,
        market: None,
        data_dir: None,
        ..options
    };
    assert_eq!(Config::check(&options, &environment).unwrap(), defaults);
}

fn error(text: &str, arguments: &[&str]) -> String {
    format!("{:#}", load(text, arguments).unwrap_err())
}

#[test]
fn without_options_the_game_is_solo() {
    let config = load("", &[]).unwrap();
    let options = SoloOptions {
        tick: Duration::from_secs(1),
        initial_price: None,
        seed: None,
        market: None,
        house: 3,
    };
    assert_eq!(config.server, ServerChoice::Solo(options));
    assert_eq!(config.player, "maryann");
    assert_eq!(config.timeout, Duration::from_secs(10));
    assert_eq!(config.theme.name, "terminal");
    assert!(!config.plain && config.data_dir.ends_with("data"));
}

#[test]
fn the_command_line_overrides_single_options_of_the_file() {
    let file =
        "tick = '5s'\ninitial-price = 7\nuser = 'anna'\nplain = true\nseed = 3\nmarket = 'moods'\nhouse = 5";
    let config = load(file, &["--tick", "200ms", "--user", "bert", "--plain=false"]).unwrap();
    let options = SoloOptions {
        tick: Duration::from_millis(200),
        initial_price: Some(7),
        seed: Some(3),
        market: Some(PriceModel::Moods),
        house: 5,
    };
    assert_eq!(config.server, ServerChoice::Solo(options));
    assert_eq!(config.player, "bert");
    assert!(!config.plain);
}

#[test]
fn every_option_has_an_environment_variable_and_a_key() {
    let command = Cli::definition();
    for option in command
        .get_arguments()
        .filter(|option| !["help", "version"].contains(&option.get_id().as_str()))
    {
        let long = option.get_long().unwrap();
        let variable = format!("AWESOMESTOCK_{}", long.to_uppercase().replace('-', "_"));
        assert_eq!(option.get_env().unwrap(), variable.as_str());
        // These are for one game, and not options of the file.
        if !["config", "record", "cast", "watch"].contains(&long) {
            let wrong = format!("{long} = [[]]");
            let why = error(&wrong, &[]);
            assert!(
                why.contains("line 1") && !why.contains("unknown field"),
                "{long}: {why}"
            );
        }
    }
}

#[test]
fn values_out_of_bounds_are_rejected_with_the_bounds() {
    let url = "must be http://HOST:PORT or https://HOST:PORT";
    let hidden = &format!("{url}; the value is not shown, as it may hold a secret");
    for (option, value, rule) in [
        ("tick", "9ms", "expected a duration from 10ms to 1h"),
        ("tick", "61m", "expected a duration"),
        ("tick", "1", "expected a duration"),
        ("tick", "", "expected a duration"),
        ("timeout", "99ms", "expected a duration from 100ms to 1h"),
        ("timeout", "61m", "expected a duration"),
        (
            "user",
            "http://u:hunter2@h",
            "must be 1 to 32 letters, digits or _ - .; the value is not shown, as it may hold a secret",
        ),
        ("user", "", "must be 1 to 32 letters"),
        ("user", "two words", "must be"),
        ("user", "\u{1b}[31mred", "must be"),
        ("theme", "http://u:hunter2@h", "unknown theme \"(not shown)\""),
        ("theme", "pink", "unknown theme"),
        ("market", "bull", "must be classic, moods or news, not \"bull\""),
        ("up", "blue", "must be green or red, not \"blue\""),
        ("bell", "loud", "must be off, bell or notify, not \"loud\""),
        ("markers", "runes", "unknown markers"),
        ("casino", "127.0.0.1:10000", url),
        ("casino", "ftp://example.org:443", url),
        ("casino", "https://me@example.org:443", url),
        ("casino", "http://example.org", url),
        ("casino", "http://example.org:80/table", url),
        ("casino", "http://u:hunter2", hidden),
        ("casino", "http://h:1/?k=hunter2", hidden),
        ("casino", "http://h:1#hunter2", hidden),
    ] {
        let why = error("", &[&format!("--{option}"), value]);
        assert!(why.starts_with(&format!("{option}: {rule}")), "{value:?}: {why}");
    }
}

#[test]
fn numbers_have_the_same_rule_in_the_file_and_on_the_command_line() {
    let (price, seed, house) = (
        "expected a whole number from 1 to 2,147,483,647",
        "expected a whole number from 0 to 9,223,372,036,854,775,807",
        "expected a whole number from 0 to 20",
    );
    for (option, given, rule) in [
        ("initial-price", "0", price),
        ("initial-price", "-1", price),
        ("initial-price", "2147483648", price),
        ("seed", "-1", seed),
        ("house", "21", house),
        ("house", "-1", house),
    ] {
        let why = error(&format!("{option} = {given}"), &[]);
        assert!(
            why.contains(&format!("{option}: {rule}, not \"{given}\"")),
            "{why}"
        );
    }
    for (arguments, rule) in [
        (&["--initial-price", "0"][..], price),
        (&["--initial-price", "x"], price),
        (&["--seed", "99999999999999999999"], seed),
        (&["--house", "21"], house),
        (&["--house", "1.5"], house),
        (&["buy", "0"], price),
        (&["buy", "x"], price),
        (&["sell", "1.5"], price),
        (&["buy", "1", "--limit", "-2"], price),
        (&["buy-tokens", "99999999999"], price),
        (&["withdraw", "-5"], price),
        (
            &["replay", "--speed", "0", "f"],
            "expected a whole number from 1 to 1,000",
        ),
        (
            &["cast", "f", "-o", "o.svg", "--fps", "x"],
            "expected a whole number from 1 to 30",
        ),
    ] {
        let why = Cli::parse(["awesomestock"].iter().chain(arguments))
            .unwrap_err()
            .to_string();
        assert!(why.contains(rule), "{arguments:?}: {why}");
    }
}

#[test]
fn options_without_an_effect_on_a_command_are_rejected_and_not_in_its_help() {
    for (line, option, command) in [
        ("daily --seed 5", "--seed", "daily"),
        ("--tick 1s daily", "--tick", "daily"),
        ("daily --no-splash", "--no-splash", "daily"),
        ("daily verify --user ann f", "--user", "daily verify"),
        ("daily results --theme dark", "--theme", "daily results"),
        ("duel --seed 5 7", "--seed", "duel"),
        ("duel 7 --house 2", "--house", "duel"),
        ("duel 7 --timeout 1s", "--timeout", "duel"),
        ("--record f duel 7", "--record", "duel"),
        ("cast f -o o.svg --wire", "--wire", "cast"),
        ("cast f -o o.svg --casino http://localhost:1", "--casino", "cast"),
        ("replay f --seed 5", "--seed", "replay"),
        ("replay f --data-dir d", "--data-dir", "replay"),
        ("--cast f balance", "--cast", "balance"),
    ] {
        let why = Cli::parse(["awesomestock"].into_iter().chain(line.split(' '))).unwrap_err();
        let text = format!("{option} has no effect on {command}, so they cannot be used together");
        let usage = format!("Usage: awesomestock {command} ");
        assert_eq!(why.kind(), clap::error::ErrorKind::ArgumentConflict, "{line}");
        let why = why.to_string();
        assert!(why.contains(&text) && why.contains(&usage), "{line}: {why}");
    }
    for line in [
        "daily --user ann --theme dark --casino solo --data-dir d",
        "--theme dark duel 7 --plain=false --wire",
        "daily results --data-dir d --config c",
        "cast f -o o.svg --config c --theme dark --up red --markers block",
        "replay f --wire --theme dark",
        "--record f lab --cast g --seed 5",
        "balance --seed 5",
    ] {
        let parsed = Cli::parse(["awesomestock"].into_iter().chain(line.split(' ')));
        assert!(parsed.is_ok(), "{line}: {parsed:?}");
    }
    let mut definition = Cli::definition();
    definition.build();
    for (command, used, unused) in [
        ("daily", "--user", "--seed"),
        ("duel", "--user", "--casino"),
        ("cast", "--theme", "--user"),
        ("replay", "--wire", "--casino"),
        ("balance", "--seed", "--record"),
    ] {
        let command = definition.find_subcommand_mut(command).unwrap();
        let help = command.render_help().to_string();
        assert!(help.contains(used) && !help.contains(unused), "{help}");
    }
}

#[test]
fn errors_of_the_file_include_the_line() {
    for (text, expected) in [
        ("tick = '1s'\n\nprize = 3\n", "line 3: unknown field `prize`"),
        ("tick = '1s'\nseed = 'x'\n", "line 2: expected a whole number"),
        ("house = 'http://u:hunter2@h'", "line 1: expected a whole number"),
        ("seed = 99999999999999999999", "line 1: expected a whole number"),
        ("plain = 5", "line 1: expected a boolean"),
        ("tick = \n", "line 1: "),
        ("user = 'a'\nuser = 'b'\n", "line 2: "),
    ] {
        let why = error(text, &[]);
        assert!(
            why.contains(&format!("config.toml {expected}")),
            "{text:?}: {why}"
        );
    }
}

#[test]
fn the_file_can_rebind_keys() {
    use crate::app::commands::action::Action;
    let text = "user = 'anna'\n[keys]\nbuy = 'f1'\nsell = [\"b\", \"shift-tab\"]\nquit = 'Q'\npercent = []\n";
    let keys = load(text, &["--tick", "2s"]).unwrap().settings.keys;
    let names = |action| -> Vec<String> { keys.keys(action).iter().map(ToString::to_string).collect() };
    assert_eq!(names(Action::Buy), ["f1"]);
    assert_eq!(names(Action::Sell), ["b", "shift-tab"]);
    assert_eq!(names(Action::Quit), ["Q", "ctrl-c"]);
    assert_eq!(names(Action::by_name("percent").unwrap()), [""; 0]);
    assert_eq!(names(Action::Help), ["?"]);
    let default = load("", &[]).unwrap().settings.keys;
    assert_eq!(default, Keymap::default());
}

#[test]
fn invalid_keys_are_rejected_with_line_and_both_actions() {
    for (keys, expected) in [
        (
            "\nbuy = 's'\n",
            "line 3: key \"s\" cannot be bound to buy: it is bound to sell",
        ),
        (
            "sell = [\"f1\",\n  \"f2\"]\nbuy = \"f2\"\n",
            "line 4: key \"f2\" cannot be bound to buy: it is bound to sell (line 3)",
        ),
        (
            "buy = 'ctrl-c'",
            "line 2: key \"ctrl-c\" cannot be bound to buy: it is bound to quit",
        ),
        (
            "buy = '5'",
            "line 2: key \"5\" cannot be bound to buy: it types the ticket's quantity",
        ),
        (
            "buy = 'b'\nfly = 'f'",
            "line 3: unknown action \"fly\"; choose one of: buy, sell, ",
        ),
        (
            "buy = 'hyper-b'",
            "line 2: unknown key \"hyper-b\"; keys are written",
        ),
        (
            "buy = ['f1', 'ctrl-i']",
            "line 2: key \"ctrl-i\" cannot be bound: terminals send it as \"tab\"; write \"tab\"",
        ),
        (
            "buy = 'ctrl-shift-b'",
            "line 2: unknown key \"ctrl-shift-b\"; terminals send it as \"ctrl-b\": write that",
        ),
        (
            "buy = 'ctrl-1'",
            "line 2: key \"ctrl-1\" cannot be bound: terminals do not send it",
        ),
        ("buy = 5", "line 2: a key must be"),
        ("buy = [\"f1\", 5]", "line 2: a key must be"),
        ("buy = 'f1'\nbuy = 'f2'", "line 3: duplicate key"),
    ] {
        let why = error(&format!("[keys]\n{keys}"), &[]);
        assert!(
            why.contains(&format!("config.toml {expected}")),
            "{keys:?}: {why}"
        );
    }
    let why = error("keys = 5", &[]);
    assert!(why.contains("line 1: keys must be a table"), "{why}");
}

#[test]
fn an_invalid_value_of_the_file_is_rejected_even_if_overridden() {
    let why = error("tick = '1 year'", &["--tick", "1s"]);
    assert!(why.contains("config.toml: tick: expected a duration"), "{why}");
    let why = error("data-dir = ''", &[]);
    assert!(why.contains("config.toml: data-dir: must name a folder"), "{why}");
    let why = error("data-dir = '~/game'", &[]);
    assert!(why.contains("data-dir: must be a path without ~"), "{why}");
}

#[test]
fn a_given_file_must_be_readable_and_not_too_large() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("big.toml");
    let named = ["--config", path.to_str().unwrap()];
    let missing = load_at(home.path(), &named).unwrap_err();
    assert!(
        format!("{missing:#}").starts_with("cannot read the configuration file"),
        "{missing:#}"
    );
    fs::write(&path, "#".repeat(70_000)).unwrap();
    let big = load_at(home.path(), &named).unwrap_err();
    assert!(format!("{big:#}").contains("bytes"), "{big:#}");
    fs::write(&path, "user = 'anna'").unwrap();
    assert_eq!(load_at(home.path(), &named).unwrap().player, "anna");
}

#[test]
fn without_a_player_there_is_no_name_and_no_option_of_one() {
    let casino = "--casino=http://casino.example.org:10000";
    let config = load("user = 'anna'\nwire = true", &["--watch", casino]).unwrap();
    assert_eq!(config.player, "");
    let settings = config.settings;
    assert!(settings.watch && !settings.wire && !settings.splash);
    let why = |arguments: &[&str]| {
        let parsed = Cli::parse(["awesomestock"].iter().chain(arguments));
        parsed.unwrap_err().to_string()
    };
    for option in ["--user=ann", "--plain", "--wire", "--record=f", "--cast=f"] {
        let name = option.split('=').next().unwrap();
        let expected = format!("{name} is for a player; it cannot be used with --watch");
        let why = why(&[option, "--watch"]);
        assert!(why.contains(&expected), "{why}");
    }
    for command in ["balance", "lab"] {
        let expected = format!("--watch has no effect on {command}, so they cannot be used together");
        let why = why(&["--watch", command]);
        assert!(why.contains(&expected), "{why}");
    }
}

#[test]
fn solo_options_on_the_command_line_are_rejected_for_a_shared_game() {
    let shared = ["--casino", "http://[::1]:10000/"];
    for option in ["--tick=1s", "--initial-price=3", "--seed=1", "--market=moods"] {
        let why = error("", &[shared[0], shared[1], option]);
        assert!(why.contains("only for a solo game"), "{option}: {why}");
    }
    let config = load("tick = '3s'\nseed = 5", &shared).unwrap();
    assert_eq!(config.server.to_string(), "[::1]:10000");
}

/// Such a game would show the prices of a day to come.
#[test]
fn the_seeds_of_daily_games_are_not_for_other_games() {
    let seed = ((0x6461_696c_u64 << 32) + 20_261_201).to_string();
    let rule = "the daily games have these seeds";
    let duel = Cli::try_parse_from(["awesomestock", "duel", &seed]).unwrap_err();
    assert!(duel.to_string().contains(rule), "{duel}");
    for arguments in [vec!["--seed", &seed], vec!["--seed", &seed, "lab"]] {
        let why = error("", &arguments);
        assert!(
            why.starts_with("seed: must not be from ") && why.contains(rule),
            "{why}"
        );
    }
    let file = format!("seed = {seed}");
    assert!(error(&file, &[]).contains(rule));
}

/// They are for other commands.
#[test]
fn a_command_without_a_casino_ignores_one_of_the_file_and_the_environment() {
    let file = "casino = 'http://192.0.2.1:10000'\ntimeout = '3s'";
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("config.toml"), file).unwrap();
    for line in [
        "daily",
        "daily --casino solo",
        "daily verify f",
        "daily results",
        "duel 7",
        "replay f",
        "cast f -o o.svg",
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let mut cli = Cli::parse(["awesomestock"].into_iter().chain(words)).unwrap();
        if !line.contains("--casino") {
            cli.options.casino = Some(vec!["https://example.org:1".to_owned()]);
            cli.options.tick = Some("soon".to_owned());
            for option in ["casino", "tick"] {
                let variable = format!("in AWESOMESTOCK_{}", option.to_uppercase());
                cli.variables.insert(option.to_owned(), variable);
            }
        }
        let config = Config::load(&cli, &environment(home.path()));
        assert_eq!(config.unwrap().server.to_string(), "solo", "{line}");
    }
    for command in [&["daily"][..], &["duel", "7"]] {
        let why = error(file, &[&["--casino", "http://localhost:1"], command].concat());
        assert!(why.contains("casino: a challenge is played alone"), "{why}");
    }
}

#[test]
fn casino_solo_overrides_the_casino_of_the_file() {
    let file = "casino = 'https://example.org:10000'";
    assert_eq!(load(file, &[]).unwrap().server.to_string(), "example.org:10000");
    assert_eq!(
        load(file, &["--casino", "solo"]).unwrap().server.to_string(),
        "solo"
    );
}

#[test]
fn plaintext_to_another_machine_is_rejected_unless_allowed() {
    let open = "casino = 'http://example.org:10000'";
    let why = error(open, &[]);
    assert!(
        why.contains("is not encrypted") && why.contains("--allow-plaintext"),
        "{why}"
    );
    load(open, &["--allow-plaintext"]).unwrap();
    load(&format!("{open}\nallow-plaintext = true"), &[]).unwrap();
    for near in [
        "http://localhost:1",
        "http://127.0.0.1:1",
        "https://example.org:1",
    ] {
        load("", &["--casino", near]).unwrap();
    }
}

#[test]
fn addresses_are_normalized_to_host_and_port() {
    for (url, address) in [
        ("https://Casino.Example:1", "casino.example:1"),
        ("https://casino.example:1/", "casino.example:1"),
        ("https://casino.example:2", "casino.example:2"),
        ("http://127.0.0.1:1", "localhost:1"),
        ("https://[::1]:1", "localhost:1"),
        ("https://192.0.2.1:1", "192.0.2.1:1"),
    ] {
        let ServerChoice::Shared(shared) = load("", &["--casino", url]).unwrap().server else {
            panic!("{url}")
        };
        assert_eq!(shared.first.normalized, address, "{url}");
    }
}

#[test]
fn a_casino_may_have_several_addresses_in_every_layer() {
    const BOTH: [&str; 2] = ["https://a.example:1", "http://127.0.0.1:2"];
    for (file, arguments) in [
        ("", &["--casino", BOTH[0], "--casino", BOTH[1]][..]),
        ("", &["--casino", "https://a.example:1, http://127.0.0.1:2"]),
        ("casino = 'https://a.example:1,http://127.0.0.1:2'", &[]),
        ("casino = ['https://a.example:1', 'http://127.0.0.1:2']", &[]),
        (
            "casino = 'solo'",
            &["--casino", BOTH[0], "--casino", BOTH[1], "--casino", BOTH[0]],
        ),
    ] {
        let ServerChoice::Shared(shared) = load(file, arguments).unwrap().server else {
            panic!("{file:?} {arguments:?}")
        };
        let urls: Vec<&str> = shared.addresses().map(|address| address.url.as_str()).collect();
        assert_eq!(urls, BOTH, "{file:?} {arguments:?}");
        let id = shared.key_id("ann");
        assert_eq!(
            (id.casino.as_str(), &id.aliases[..]),
            ("a.example:1", &["localhost:2".to_owned()][..])
        );
    }
    let many: Vec<String> = (1..=17).map(|port| format!("http://localhost:{port}")).collect();
    for (casino, text) in [
        (
            "https://a.example:1,",
            "must be http://HOST:PORT or https://HOST:PORT; the value is not shown, as it may hold a secret",
        ),
        (
            "https://a.example:1,solo",
            "the value is not shown, as it may hold a secret",
        ),
        (
            "https://a.example:1,http://b.example:1",
            "http://b.example:1 is not encrypted",
        ),
        (&many.join(","), "at most 16 addresses, not \"17\""),
    ] {
        let why = error("", &["--casino", casino]);
        assert!(why.contains(text), "{casino}: {why}");
    }
    let why = error("user = 'ann'\ncasino = 7", &[]);
    assert!(
        why.contains("line 2: expected a text or a list of texts"),
        "{why}"
    );
}

#[test]
fn a_dumb_terminal_selects_plain_mode_unless_plain_is_given() {
    let dumb = UserEnvironment {
        dumb: true,
        ..environment(Path::new("/nowhere"))
    };
    for (arguments, plain) in [(&[][..], true), (&["--plain=false"], false)] {
        assert_eq!(load_in(&dumb, arguments).unwrap().plain, plain, "{arguments:?}");
    }
}

#[test]
fn no_color_selects_the_mono_theme_unless_a_theme_is_given() {
    let home = tempfile::tempdir().unwrap();
    let colourless = UserEnvironment {
        no_color: true,
        ..environment(home.path())
    };
    let theme = |arguments: &[&str]| load_in(&colourless, arguments).unwrap().theme.name;
    assert_eq!(theme(&[]), "mono");
    assert_eq!(theme(&["--theme", "terminal"]), "terminal");
}

#[test]
fn the_last_name_is_remembered_if_valid() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    remember_player(&data, "Žofie_1").unwrap();
    assert_eq!(load_at(home.path(), &[]).unwrap().player, "Žofie_1");
    assert_eq!(load_at(home.path(), &["--user", "x"]).unwrap().player, "x");
    for broken in ["\u{1b}[2J".as_bytes(), b"\xff\xfe", b"", &[b'a'; 10_000]] {
        fs::write(data.join("player"), broken).unwrap();
        assert_eq!(load_at(home.path(), &[]).unwrap().player, "maryann");
    }
}

#[test]
fn the_system_user_name_is_made_valid() {
    for (system, player) in [("root", "root"), ("  ", "player"), ("dom\\ann", "domann")] {
        let home = tempfile::tempdir().unwrap();
        let environment = UserEnvironment {
            system_user: Some(system.to_owned()),
            ..environment(home.path())
        };
        assert_eq!(load_in(&environment, &[]).unwrap().player, player);
    }
}

#[test]
fn names_have_1_to_32_letters_digits_and_marks() {
    for name in ["a", "Mary.Ann-2_", "株価", "ñ", &"x".repeat(32)] {
        assert!(is_player_name(name), "{name}");
    }
    for name in ["", "a b", "a\n", "a\u{202E}", "a/b", "\u{200B}", &"x".repeat(33)] {
        assert!(!is_player_name(name), "{name:?}");
    }
}

#[test]
fn the_color_of_a_rising_price_can_be_red() {
    let gain = |arguments: &[&str]| load("", arguments).unwrap().theme.up;
    assert_eq!(gain(&["--up", "green"]), Theme::default().up);
    assert_eq!(gain(&["--up", "red"]), Theme::default().down);
    let from_file = load("up = 'red'\ntheme = 'light'", &[]).unwrap().theme;
    assert_eq!(from_file, Theme::by_name("light").unwrap().red_up());
}

#[test]
fn default_markers_depend_on_locale_and_terminal() {
    let cases: [(&[(&str, &str)], Markers); 9] = [
        (&[], Markers::Braille),
        (&[("LANG", "C.UTF-8")], Markers::Braille),
        (&[("LANG", "de_DE.utf8"), ("LC_ALL", "")], Markers::Braille),
        (&[("LC_CTYPE", "UTF-8")], Markers::Braille),
        (&[("LANG", "C")], Markers::Ascii),
        (&[("LANG", "en_US.ISO-8859-1")], Markers::Ascii),
        (&[("LANG", "C.UTF-8"), ("LC_ALL", "POSIX")], Markers::Ascii),
        (&[("TERM", "linux"), ("LANG", "C.UTF-8")], Markers::Block),
        (&[("TERM", "linux"), ("LANG", "C")], Markers::Ascii),
    ];
    for (variables, markers) in cases {
        let variable = |name: &str| {
            let set = variables.iter().find(|(set, _)| *set == name);
            set.map(|(_, value)| (*value).to_owned())
        };
        assert_eq!(appearance::markers_for(variable), markers, "{variables:?}");
    }
}

#[test]
fn given_markers_override_the_default() {
    let home = tempfile::tempdir().unwrap();
    let plain = UserEnvironment {
        markers: Markers::Ascii,
        ..environment(home.path())
    };
    let markers = |arguments: &[&str]| load_in(&plain, arguments).unwrap().markers;
    assert_eq!(markers(&[]), Markers::Ascii);
    assert_eq!(markers(&["--markers", "braille"]), Markers::Braille);
}
