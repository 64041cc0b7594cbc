//! The tour: each bubble waits for its action, and every other key works as usual.

use awesomestock::app::Settings;
use awesomestock::app::overlay::tour::Tour;
use awesomestock::app::portfolio::money::Side;
use crossterm::event::{KeyCode, KeyEventKind};

use crate::game::{Game, send};

fn tour(splash: bool) -> Game {
    let mut game = Game::connected();
    let state = Game::with_settings(Settings {
        splash,
        tour: true,
        ..Settings::default()
    })
    .state;
    game.state.tour = state.tour;
    game.state.screen = state.screen;
    game
}

#[test]
fn each_bubble_waits_for_its_action_and_the_last_one_ends_the_tour() {
    let mut game = tour(false);
    let first = game.state.tour;
    assert_eq!(first, Some(Tour::default()));
    // Not the one that is waited for: it works, and the bubble stays.
    assert_eq!(game.keys("b"), send(Side::Buy, 1));
    assert_eq!(game.keys("+m3k"), []);
    assert_eq!(game.state.tour, first);
    let mut bubbles = vec![first];
    for keys in ["t\x1b", "1b", "c", "s"] {
        game.keys(keys);
        bubbles.push(game.state.tour);
    }
    game.key(KeyCode::Up, KeyEventKind::Press);
    bubbles.push(game.state.tour);
    game.keys("l\x1b");
    bubbles.push(game.state.tour);
    for (index, bubble) in bubbles.iter().enumerate() {
        assert!(
            bubble.is_some() && !bubbles[..index].contains(bubble),
            "{bubbles:?}"
        );
    }
    game.keys("?");
    assert_eq!((game.state.tour, game.state.screen.overlays.len()), (None, 1));
}

#[test]
fn esc_closes_what_is_on_top_and_then_ends_the_tour() {
    let mut game = tour(true);
    for (keys, goes_on) in [("\x1b", true), ("l\x1b", true), (":\x1b", true), ("\x1b", false)] {
        game.keys(keys);
        assert_eq!(game.state.tour.is_some(), goes_on, "{keys:?}");
        assert!(game.state.screen.overlays.is_empty(), "{keys:?}");
    }
    game.keys(":tour\n");
    assert_eq!(game.state.tour, Some(Tour::default()));
}

#[test]
fn a_game_to_its_last_tick_has_no_tour() {
    let mut game = Game::connected();
    game.state.session.settings.last_tick = Some(120);
    game.keys(":tour\n");
    assert_eq!(game.state.tour, None);
}
