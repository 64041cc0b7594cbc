//! The lab: faults by key and by name, in the lab only.

use awesomestock::app::commands::lab::{FAULTS, Fault, Faults};
use awesomestock::app::overlay::Overlay;
use awesomestock::app::{Effect, Settings};
use crossterm::event::{KeyCode, KeyEventKind};

use crate::game::Game;

fn lab() -> Game {
    Game::with_settings(Settings {
        lab: true,
        ..Settings::default()
    })
}

#[test]
fn keys_and_names_inject_faults_and_end_those_that_last() {
    let frozen = Faults {
        is_frozen: true,
        ..Faults::default()
    };
    let mut game = lab();
    assert_eq!(
        game.key(KeyCode::F(3), KeyEventKind::Press),
        [Effect::Inject(frozen)]
    );
    assert_eq!(game.key(KeyCode::F(3), KeyEventKind::Repeat), []);
    assert!(game.state.lab.as_ref().unwrap().is_on(Fault::Freeze));
    let both = Faults { cuts: 1, ..frozen };
    assert_eq!(game.keys(":lab cut\n"), [Effect::Inject(both)]);
    assert_eq!(
        game.keys(":lab-freeze\n"),
        [Effect::Inject(Faults {
            cuts: 1,
            ..Faults::default()
        })]
    );
    // Also over a window, which stays open.
    game.keys("?");
    game.key(KeyCode::F(7), KeyEventKind::Press);
    assert!(matches!(game.state.screen.overlays[..], [Overlay::Help { .. }]));
}

#[test]
fn a_kill_ends_a_freeze() {
    let mut game = lab();
    game.key(KeyCode::F(3), KeyEventKind::Press);
    let killed = Faults {
        kills: 1,
        ..Faults::default()
    };
    assert_eq!(
        game.key(KeyCode::F(7), KeyEventKind::Press),
        [Effect::Inject(killed)]
    );
}

#[test]
fn outside_of_the_lab_there_are_no_faults() {
    let mut game = Game::connected();
    for row in FAULTS {
        assert_eq!(game.event(awesomestock::app::Event::Key(row.key.press())), []);
        assert_eq!(game.keys(&format!(":{}\n", row.name)), [], "{}", row.name);
        let Some(Overlay::Palette(palette)) = game.state.screen.overlays.last() else {
            panic!("the palette closed")
        };
        assert!(palette.error.is_some());
        game.keys("\u{1b}");
    }
}
