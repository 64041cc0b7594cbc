use proptest::prelude::*;

use super::*;
use crate::app::portfolio::money::Side;
use crate::app::portfolio::order::Terms;
use crate::app::portfolio::quantity::Quantity;

fn names(line: &str) -> Vec<&'static str> {
    matching(line, false).into_iter().map(PaletteItem::name).collect()
}

#[test]
fn the_best_match_comes_first() {
    for (line, best) in [
        ("buy", &["buy", "buyTokens"][..]),
        ("bu", &["buy", "buyTokens"]),
        ("BUYT", &["buyTokens"]),
        ("bt", &["buyTokens"]),
        ("buy-tokens", &["buyTokens"]),
        ("pay", &["payments", "paymentStatement"]),
        ("stat", &["paymentStatement"]),
        ("ps", &["paymentStatement"]),
        ("payment-statement", &["paymentStatement"]),
        ("wd", &["withdraw"]),
        ("zin", &["zoom-in"]),
        ("zoom", &["zoom-in", "zoom-out"]),
        ("q", &["exit"]),
        ("  sel", &["sell"]),
    ] {
        let found = names(line);
        assert_eq!(found.get(..best.len()), Some(best), "{line:?}: {found:?}");
    }
    for line in ["nothing", "é", "ytb", "buyTokensAndMore"] {
        assert_eq!(names(line), [""; 0], "{line:?}");
    }
}

#[test]
fn every_item_is_found_and_listed_once() {
    let all = names("");
    assert_eq!(
        all.get(..COMMANDS.len()),
        Some(&COMMANDS.iter().map(|word| word.name).collect::<Vec<_>>()[..])
    );
    for row in BINDINGS.iter().filter(|row| row.action != Action::Palette) {
        let found = matching(row.name, false);
        assert_eq!(
            found.first().and_then(|entry| entry.match_score(row.name)),
            Some(EXACT),
            "{}",
            row.name
        );
    }
    for (index, name) in all.iter().enumerate() {
        let mut after = all.iter().skip(index + 1);
        assert!(after.all(|other| score(name, other) != Some(EXACT)), "{name}");
    }
}

#[test]
fn after_an_amount_only_its_command_is_left() {
    assert_eq!(names("buy "), ["buy"]);
    assert_eq!(names("buy 2"), ["buy"]);
    assert_eq!(names("bu 2").first(), Some(&"buy"));
}

#[test]
fn enter_runs_the_best_match_and_never_guesses_an_amount() {
    let enter = |line: &str, chosen: &[bool]| {
        let mut palette = Palette::with_text(line);
        chosen.iter().for_each(|next| palette.choose(*next));
        let entered = palette.enter();
        (entered, palette.input.value().to_owned(), palette.error.is_some())
    };
    let done = |command| EnterResult::Done(Parsed::Command(command));
    let act = |name| EnterResult::Done(Parsed::Action(Action::by_name(name).unwrap()));
    for (line, chosen, entered, left, wrong) in [
        (
            "buy 2",
            &[][..],
            done(Command::Order(Side::Buy, Quantity::Count(2), Terms::Market)),
            "buy 2",
            false,
        ),
        ("", &[], EnterResult::Nothing, "", false),
        ("  ", &[], EnterResult::Nothing, "  ", false),
        ("stop", &[], done(Command::Stop), "stop", false),
        ("stp", &[], done(Command::Stop), "stop", false),
        ("by 2", &[], EnterResult::Typing, "by 2", true),
        ("by 2", &[true], EnterResult::Typing, "buyTokens 2", false),
        ("b", &[], EnterResult::Typing, "buy ", false),
        ("buy", &[], EnterResult::Typing, "buy", true),
        ("buy two", &[], EnterResult::Typing, "buy two", true),
        ("xyzzy", &[], EnterResult::Typing, "xyzzy", true),
        ("ZoomIn", &[], act("zoom-in"), "ZoomIn", false),
        ("zo", &[true], act("zoom-out"), "zoom-out", false),
        (
            "pay",
            &[true],
            done(Command::Statement),
            "paymentStatement",
            false,
        ),
        ("pay", &[true, false], done(Command::Payments), "payments", false),
        ("", &[true], EnterResult::Typing, "buyTokens ", false),
        ("", &[false], act("suspend"), "suspend", false),
        ("buy 2", &[true], EnterResult::Typing, "buy 2", false),
    ] {
        assert_eq!(
            enter(line, chosen),
            (entered, left.to_owned(), wrong),
            "{line:?} {chosen:?}"
        );
    }
}

proptest! {
    #[test]
    fn any_line_is_handled(line in ".{0,40}", steps in prop::collection::vec(any::<bool>(), 0..30)) {
        let mut palette = Palette::with_text(&line);
        for next in steps {
            palette.choose(next);
            let chosen = palette.chosen();
            prop_assert!(palette.matching().is_empty() || chosen.is_none_or(|at| at < palette.matching().len()));
        }
        palette.complete();
        palette.enter();
    }
}
