use proptest::prelude::*;

use super::*;

fn names(line: &str) -> Vec<&'static str> {
    matching(line).into_iter().map(Entry::name).collect()
}

#[test]
fn the_best_comes_first() {
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
fn everything_can_be_had_and_nothing_twice() {
    let all = names("");
    assert_eq!(
        all.get(..WORDS.len()),
        Some(&WORDS.iter().map(|word| word.name).collect::<Vec<_>>()[..])
    );
    for row in BINDINGS.iter().filter(|row| row.action != Action::Palette) {
        let found = matching(row.name);
        assert_eq!(
            found.first().and_then(|entry| entry.distance(row.name)),
            Some(0),
            "{}",
            row.name
        );
    }
    for (index, name) in all.iter().enumerate() {
        let mut after = all.iter().skip(index + 1);
        assert!(after.all(|other| distance(name, other) != Some(0)), "{name}");
    }
}

#[test]
fn once_an_amount_is_typed_only_its_word_is_left() {
    assert_eq!(names("buy "), ["buy"]);
    assert_eq!(names("buy 2"), ["buy"]);
    assert_eq!(names("bu 2").first(), Some(&"buy"));
}

#[test]
fn entering_does_what_is_meant_and_never_guesses_an_amount() {
    let enter = |line: &str, chosen: &[bool]| {
        let mut palette = Palette::of(line);
        chosen.iter().for_each(|next| palette.choose(*next));
        let entered = palette.enter();
        (entered, palette.input.value().to_owned(), palette.error.is_some())
    };
    let done = |command| Entered::Done(Meaning::Command(command));
    let act = |name| Entered::Done(Meaning::Action(Action::by_name(name).unwrap()));
    for (line, chosen, entered, left, wrong) in [
        ("buy 2", &[][..], done(Command::Buy(2)), "buy 2", false),
        ("", &[], Entered::Nothing, "", false),
        ("  ", &[], Entered::Nothing, "  ", false),
        ("stop", &[], done(Command::Stop), "stop", false),
        ("stp", &[], done(Command::Stop), "stop", false),
        ("by 2", &[], Entered::Typing, "by 2", true),
        ("by 2", &[true], Entered::Typing, "buyTokens 2", false),
        ("b", &[], Entered::Typing, "buy ", false),
        ("buy", &[], Entered::Typing, "buy", true),
        ("buy two", &[], Entered::Typing, "buy two", true),
        ("xyzzy", &[], Entered::Typing, "xyzzy", true),
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
        ("", &[true], Entered::Typing, "buyTokens ", false),
        ("", &[false], act("suspend"), "suspend", false),
        ("buy 2", &[true], Entered::Typing, "buy 2", false),
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
    fn any_line_is_survived(line in ".{0,40}", steps in prop::collection::vec(any::<bool>(), 0..30)) {
        let mut palette = Palette::of(&line);
        for next in steps {
            palette.choose(next);
            let chosen = palette.chosen();
            prop_assert!(palette.matching().is_empty() || chosen.is_none_or(|at| at < palette.matching().len()));
        }
        palette.complete();
        palette.enter();
    }
}
