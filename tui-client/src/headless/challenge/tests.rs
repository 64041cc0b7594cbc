use super::*;
use crate::app::portfolio::money::Side;
use crate::solo::challenge::tests::{day, game, row};

/// A day after those of the games.
fn later() -> Challenge {
    "daily 2026-12-02".parse().unwrap()
}

#[test]
fn a_proof_survives_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("game.json");
    game().write(&path).unwrap();
    assert_eq!(Proof::read(&path).unwrap(), game());
    let outcome = game().verify().unwrap();
    assert_eq!(
        (outcome.trades, outcome.equity.len(), outcome.last()),
        (4, 121, game().equity.unwrap())
    );
    assert_eq!(outcome.equity[..3], [500, 500, 500]);
    let mut printed = Vec::new();
    print_verified(&path, folder.path(), later(), &mut printed).unwrap();
    let printed = String::from_utf8(printed).unwrap();
    assert_eq!(printed.lines().count(), 4, "{printed}");
    assert_eq!(printed.lines().last(), Some("player: ann"));
    assert!(
        printed.starts_with("AwesomeStock daily 2026-11-29  "),
        "{printed}"
    );
    assert!(printed.contains(" tokens; buy and hold -"), "{printed}");
}

#[test]
fn only_the_first_game_of_a_day_or_a_seed_counts() {
    let folder = tempfile::tempdir().unwrap();
    let begin =
        |challenge: &str| ChallengeRun::begin(folder.path(), challenge.parse().unwrap(), "ann").unwrap();
    let mut out = Vec::new();
    begin("daily 2026-11-29")
        .finish(vec![row(2, Side::Buy, 3)], &mut out)
        .unwrap();
    let shared = String::from_utf8(out).unwrap();
    assert!(shared.contains("1 trade: 500 to"), "{shared}");
    assert!(
        shared.contains("The result was sent to the clipboard. Its proof: "),
        "{shared}"
    );
    let mut out = Vec::new();
    begin("daily 2026-11-29").finish(Vec::new(), &mut out).unwrap();
    let practice = String::from_utf8(out).unwrap();
    assert!(
        practice.contains("daily 2026-11-29 (practice)  0.0 %"),
        "{practice}"
    );
    assert!(
        practice.ends_with("It is practice: the first game of daily 2026-11-29 counts.\n"),
        "{practice}"
    );
    // Left unfinished. The ledger of an earlier process with the same ID is not played on.
    let own = format!("daily/game-{}-daily-2026-11-30", process::id());
    let own = folder.path().join(own);
    fs::create_dir(&own).unwrap();
    let unfinished = begin("daily 2026-11-30");
    assert!(!own.exists());
    drop(unfinished);
    // So does the first game of a seed.
    let duel = || fs::read(folder.path().join("daily/duel-7.json")).unwrap();
    assert!(begin("duel 7").is_only_try());
    let begun = duel();
    let again = begin("duel 7");
    assert!(!again.is_only_try());
    assert_eq!(again.title(), "practice duel 7");
    let mut out = Vec::new();
    again.finish(Vec::new(), &mut out).unwrap();
    assert!(
        String::from_utf8(out)
            .unwrap()
            .contains("duel 7 (practice)  0.0 %")
    );
    assert_eq!(duel(), begun);
    let mut out = Vec::new();
    print_results(folder.path(), later(), &mut out).unwrap();
    let printed = String::from_utf8(out).unwrap();
    let days: Vec<&str> = printed.lines().map(|line| &line[..16]).take(2).collect();
    assert_eq!(days, ["daily 2026-11-30", "daily 2026-11-29"]);
    let left = printed.lines().next().unwrap();
    assert!(left.starts_with("daily 2026-11-30      0.0 %"), "{printed}");
    assert!(left.ends_with("  0 trades, not finished"), "{printed}");
}

/// As after a game that was killed.
#[test]
fn the_trades_are_in_the_file_once_written_and_count() {
    let folder = tempfile::tempdir().unwrap();
    let run = ChallengeRun::begin(folder.path(), day(), "ann").unwrap();
    assert!(run.is_only_try());
    let path = folder.path().join("daily/daily-2026-11-29.json");
    let copy = folder.path().join("copy.json");
    let mut file = run.trade_file().unwrap();
    let mut trades = Vec::new();
    // The last one is of an order that rested.
    for trade in [
        row(2, Side::Buy, 3),
        row(40, Side::Sell, 1),
        row(20, Side::Sell, 1),
    ] {
        let before = fs::read(&path).unwrap();
        file.add(trade).unwrap();
        assert_eq!(
            fs::read(&path).unwrap(),
            before,
            "many trades are written at once"
        );
        file.write().unwrap();
        trades.push(trade);
        trades.sort_by_key(|trade| trade.tick);
        let kept = Proof::read(&path).unwrap();
        let whole = Proof::new(day(), "ann", trades.clone()).unwrap();
        assert_eq!(kept.verify(), whole.verify());
        assert_eq!(
            (kept.finished, kept.equity),
            (false, None),
            "the equity would show prices to come"
        );
        // Earlier versions wrote it.
        let earlier = Proof {
            equity: whole.equity,
            ..kept
        };
        earlier.write(&copy).unwrap();
        assert_eq!(Proof::read(&copy).unwrap().verify(), whole.verify());
    }
    // A rejected trade is not added, and leaves the file as it is.
    assert!(file.add(row(60, Side::Sell, 3)).is_err());
    // Without a new trade, nothing is written.
    fs::remove_file(&path).unwrap();
    file.write().unwrap();
    assert!(!path.exists());
    // The end of a game writes what is left.
    file.add(row(60, Side::Sell, 1)).unwrap();
    drop(file);
    assert_eq!(Proof::read(&path).unwrap().trades.len(), 4);
    drop(run);
    let again = ChallengeRun::begin(folder.path(), day(), "ann").unwrap();
    assert!(!again.is_only_try() && again.trade_file().is_none());
    let mut out = Vec::new();
    print_results(folder.path(), later(), &mut out).unwrap();
    let printed = String::from_utf8(out).unwrap();
    assert!(
        printed
            .lines()
            .next()
            .unwrap()
            .ends_with("  4 trades, not finished"),
        "{printed}"
    );
}

/// Its equity to the last tick would show the prices to come.
#[test]
fn the_result_of_a_running_game_is_not_printed() {
    let folder = tempfile::tempdir().unwrap();
    let printed = || {
        let mut out = Vec::new();
        print_results(folder.path(), later(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    let run = ChallengeRun::begin(folder.path(), day(), "ann").unwrap();
    run.trade_file().unwrap().add(row(2, Side::Buy, 3)).unwrap();
    fs::create_dir(&run.ledger).unwrap();
    let ledger = fs::File::create(run.ledger.join("solo.db")).unwrap();
    ledger.lock().unwrap();
    assert_eq!(printed(), "daily 2026-11-29  still running\n");
    // Neither is that of a copy, of a changed file or of another player.
    let path = folder.path().join("daily/daily-2026-11-29.json");
    let copy = folder.path().join("daily/daily-copy.json");
    let mut other = game();
    other.trades[0].price += 1;
    other.write(&copy).unwrap();
    let line = "daily 2026-11-29  still running\n";
    assert_eq!(printed(), line.repeat(2));
    for (file, data_dir) in [
        (&path, folder.path()),
        (&copy, folder.path()),
        (&path, Path::new("elsewhere")),
    ] {
        let mut out = Vec::new();
        let why = print_verified(file, data_dir, later(), &mut out)
            .unwrap_err()
            .to_string();
        assert!(out.is_empty());
        assert!(why.contains("daily 2026-11-29 is still running: "), "{why}");
    }
    fs::remove_file(copy).unwrap();
    drop(ledger);
    assert!(printed().contains("  1 trade, not finished\n"), "{}", printed());
    // Today's may be played elsewhere.
    let mut today = Vec::new();
    print_results(folder.path(), day(), &mut today).unwrap();
    assert_eq!(
        String::from_utf8(today).unwrap(),
        "daily 2026-11-29  not finished; its result is shown tomorrow (UTC)\n"
    );
    let mut out = Vec::new();
    print_verified(&path, folder.path(), later(), &mut out).unwrap();
    let verified = String::from_utf8(out).unwrap();
    assert!(
        verified.ends_with("player: ann\nnot finished: with the trades so far\n"),
        "{verified}"
    );
    run.finish(vec![row(2, Side::Buy, 3)], &mut Vec::new()).unwrap();
    assert!(printed().contains("  1 trade\n"), "{}", printed());
}

#[test]
fn prices_to_come_are_not_shown() {
    let [past, today, future]: [Challenge; 3] =
        ["daily 2026-11-28", "daily 2026-11-29", "daily 2026-11-30"].map(|day| day.parse().unwrap());
    let duel: Challenge = "duel 7".parse().unwrap();
    let why = |challenge: Challenge, finished: bool, running: &[Challenge]| {
        let proof = Proof::new(challenge, "ann", Vec::new()).unwrap();
        print::secret(&Proof { finished, ..proof }, running, today)
    };
    for challenge in [past, today, duel] {
        assert_eq!(why(challenge, true, &[future]), None);
        let running = why(challenge, true, &[future, challenge]).unwrap();
        assert!(running.starts_with(&format!("{challenge} is still running")));
    }
    assert_eq!(why(past, false, &[]), None);
    assert_eq!(why(duel, false, &[]), None);
    let unfinished = why(today, false, &[]).unwrap();
    assert!(unfinished.contains("is not finished, and may still be played"));
    for finished in [false, true] {
        assert!(why(future, finished, &[]).unwrap().contains("has not begun"));
    }
}

#[test]
fn results_end_with_the_streak_and_the_best_day() {
    let played = |text: &str, count: i32| {
        let challenge: Challenge = text.parse().unwrap();
        let trade = TradeRow {
            price: challenge.prices().nth(2).unwrap(),
            ..row(2, Side::Buy, count)
        };
        let trades = if count > 0 { vec![trade] } else { Vec::new() };
        Proof::new(challenge, "ann", trades).unwrap().verify().unwrap()
    };
    let overview = |days: &[&str], today: &str| {
        let days = days.iter().map(|day| played(day, 0)).collect();
        print::overview(days, today.parse().unwrap())
    };
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("daily")).unwrap();
    let to_come = Proof::new("daily 9999-12-31".parse().unwrap(), "ann", Vec::new()).unwrap();
    to_come
        .write(&folder.path().join("daily/daily-9999-12-31.json"))
        .unwrap();
    let mut out = Vec::new();
    print_results(folder.path(), later(), &mut out).unwrap();
    let printed = String::from_utf8(out).unwrap();
    let expected = "daily 9999-12-31  daily 9999-12-31 has not begun; today is ";
    assert!(printed.starts_with(expected), "{printed}");
    assert_eq!(printed.lines().count(), 1);
    let [first, second, third] = ["daily 2026-11-28", "daily 2026-11-29", "daily 2026-11-30"];
    for (days, today, streak) in [
        (&[first, second, third][..], third, "3 days"),
        (&[second, first], third, "2 days"),
        (&[first], third, "0 days"),
        (&[first, third], third, "1 day"),
        (&[first, first, second], second, "2 days"),
        (&["duel 7", first], first, "1 day"),
    ] {
        let line = overview(days, today).unwrap();
        assert!(
            line.starts_with(&format!("streak {streak}; best daily 2026-11-")),
            "{line}"
        );
    }
    assert_eq!(overview(&["duel 7"], third), None);
    let days = [played(second, 3), played(first, 0)];
    let best = days.iter().max_by_key(|day| day.last()).unwrap();
    let expected = format!("streak 2 days; best {} {}", best.challenge, best.percent());
    let line = print::overview(days.to_vec(), second.parse().unwrap());
    assert_eq!(line, Some(expected));
}
