//! The three best on steps, and the next ranks below; without room for steps, all in one list.
//!
//! ```text
//!                   bob
//!                 +8,500
//!    ~Ada         +85.0 %
//!  +4,000     ┌─────────────┐       ann
//!  +40.0 %    │     ▀█      │     +2,500
//! ┌───────────┤      █      │     +25.0 %
//! │    ▀▀█    │     ▄█▄     ├─────────────┐
//! │    █▀▀    │             │     ▀▀█     │
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Constraint::{Fill, Length};
use ratatui::layout::{Flex, Layout, Margin, Rect};
use ratatui::style::Modifier;
use ratatui::symbols::merge::MergeStrategy;
use ratatui::text::{Line, Text};
use ratatui::widgets::{Block, Widget};

use crate::app::AppState;
use crate::app::lobby::Standing;
use crate::ui::layout::MainLayout;
use crate::ui::panels::lobby;
use crate::ui::text::format;
use crate::ui::widgets::hint::CLOSES;
use crate::ui::widgets::window::Popup;
use crate::ui::widgets::{big_digits, panel};
use crate::ui::{FrameInfo, Renderer};

/// Players on steps.
const PLACES: usize = 3;

/// Smallest area with steps.
const MIN_STEPS: (u16, u16) = (36, 12);

/// Rows of name, profit and return.
const WORD_ROWS: u16 = 3;

/// Rows of the lowest step.
const LOWEST_ROWS: u16 = 5;

/// Columns and rows of the window.
const COLUMNS: usize = 56;
const ROWS: usize = 14;

/// Draws the players at the `top`, whose lines are the first of `ranks`.
pub(crate) fn draw(
    view: &Renderer,
    state: &AppState,
    top: &[Standing],
    mut ranks: Vec<Line<'_>>,
    area: Rect,
    buf: &mut Buffer,
) {
    let has_steps = !top.is_empty() && area.width >= MIN_STEPS.0 && area.height >= MIN_STEPS.1;
    let step_rows = if has_steps { (area.height / 2).max(10) } else { 0 };
    let [steps, list] = area.layout(&Layout::vertical([Length(step_rows), Fill(1)]));
    if has_steps {
        ranks.drain(..top.len().min(PLACES));
        // The first is in the middle, the second on the left.
        let columns: [Rect; PLACES] = steps.layout(&Layout::horizontal([Fill(1); PLACES]).spacing(-1));
        for (place, area) in [1, 0, 2].into_iter().zip(columns) {
            if let Some(standing) = top.get(place) {
                step(view, state, standing, area, buf);
            }
        }
    }
    let bold = if has_steps { 0 } else { PLACES };
    for line in ranks.iter_mut().take(bold) {
        line.style = Modifier::BOLD.into();
    }
    Text::from_iter(ranks).render(list, buf);
}

/// Draws the window with the podium of the round that has ended, and the player's rank.
pub(crate) fn window(view: &Renderer, state: &AppState, layout: &MainLayout, buf: &mut Buffer) -> FrameInfo {
    let Some(received) = &state.lobby.round else {
        return FrameInfo::default();
    };
    let round = &received.round;
    let title = format!("Round {} is over", format::thousands(round.number));
    let window = Popup::new(title, [[CLOSES].into()], COLUMNS);
    let popup = window.place(ROWS, layout);
    let buttons = window.draw(view, &popup, None, buf);
    let columns = usize::from(popup.inner.width);
    // The performance is not computed from the wallet, which is the own one again.
    let rank = |place: &Standing| lobby::rank_line(view, state, place, place.performance, columns);
    let mut ranks: Vec<_> = round.podium.iter().chain(received.below()).map(rank).collect();
    if ranks.is_empty() {
        ranks = vec![panel::styled("nobody has traded", view.theme.dim)];
    }
    draw(view, state, &round.podium, ranks, popup.inner, buf);
    FrameInfo::typed(None, buttons)
}

/// Draws a player on a step. Equal ranks are on equal steps.
fn step(view: &Renderer, state: &AppState, standing: &Standing, area: Rect, buf: &mut Buffer) {
    let highest = area.height.saturating_sub(WORD_ROWS);
    let steps_below = u16::try_from(standing.rank.clamp(1, 3)).unwrap_or(1) - 1;
    let lower = steps_below.saturating_mul(highest.saturating_sub(LOWEST_ROWS) / 2);
    let rows = [Fill(1), Length(WORD_ROWS), Length(highest.saturating_sub(lower))];
    let [_, text, block] = area.layout(&Layout::vertical(rows));
    Block::bordered()
        .border_style(view.theme.border)
        .merge_borders(MergeStrategy::Exact)
        .render(block, buf);
    let rank = big_digits::lines(&format::thousands(standing.rank));
    let [digits] = block.layout(&Layout::vertical([Length(WORD_ROWS)]).flex(Flex::Center));
    let rank = Text::from_iter(rank).style(view.theme.title).centered();
    rank.render(digits.inner(Margin::new(1, 0)), buf);

    let text = text.inner(Margin::new(1, 0));
    let columns = usize::from(text.width);
    let (won, share, by) = match standing.performance {
        Some(won) => {
            let profit = format::compact_signed(won.profit, columns);
            (profit, won.return_permille(), won.profit)
        }
        None => (format::compact(standing.equity, columns), None, 0),
    };
    let share = share.map(|share| format::compact_percent(share, columns));
    let share = share.unwrap_or_default();
    let name = lobby::label(state, &standing.player, columns);
    let line = |text: String, style| panel::fitted(&[text], columns, style);
    let gain = view.theme.change_style(by);
    let lines = [line(name, view.theme.strong), line(won, gain), line(share, gain)];
    Text::from_iter(lines).centered().render(text, buf);
}
