//! The newest moves of the price, newest first, where there is room for them.
//!
//! Owns this list. The prices are the market's.
//!
//! ```text
//! ╭ Ticks ───────────────────╮
//! │ 14:03:22    37  ▲ +3     │
//! │ 14:03:21    34  ▼ -5     │
//! ╰──────────────────────────╯
//! ```

use ratatui::{
    buffer::Buffer,
    layout::Alignment,
    text::{Line, Span},
    widgets::Widget,
};

use super::{View, format, layout::Desk, panel};
use crate::app::AppState;

/// Draws the list of ticks.
pub(super) fn draw(view: &View, state: &AppState, desk: &Desk, buf: &mut Buffer) {
    if desk.ticks.height < 3 {
        return;
    }
    let inner = panel::framed(view, "Ticks", None, desk.ticks, buf);
    let newest = state.market.prices().rev();
    let before = state.market.prices().rev().skip(1).map(Some).chain([None]);
    for ((point, before), index) in newest.zip(before).zip(0..inner.height) {
        let area = panel::row(inner, index);
        let time = panel::styled(format::clock(point.at, &view.zone), view.theme.dim);
        let moved = before.map(|before| i64::from(point.price).saturating_sub(i64::from(before.price)));
        let price = format::grouped(i64::from(point.price));
        let price = Span::styled(
            price,
            if index == 0 {
                view.theme.strong
            } else {
                view.theme.text
            },
        );
        let change = match moved {
            Some(by) => {
                let words = format!("   {} {:>5}", format::arrow(by), format::signed(by));
                Span::styled(words, view.theme.moved(by))
            }
            None => Span::raw("          "),
        };
        time.render(area, buf);
        Line::from(vec![price, change])
            .alignment(Alignment::Right)
            .render(area, buf);
    }
}
