//! List of the latest price changes, newest first.
//!
//! ```text
//! ╭ Ticks ───────────────────╮
//! │ 14:03:22    37  ▲ +3     │
//! │ 14:03:21    34  ▼ -5     │
//! ╰──────────────────────────╯
//! ```

use ratatui::buffer::Buffer;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use crate::app::AppState;
use crate::ui::Renderer;
use crate::ui::layout::MainLayout;
use crate::ui::text::format;
use crate::ui::widgets::panel;

pub(crate) fn draw(view: &Renderer, state: &AppState, layout: &MainLayout, buf: &mut Buffer) {
    if layout.ticks.height < 3 {
        return;
    }
    let theme = &view.theme;
    let inner = panel::framed(view, "Ticks", None, layout.ticks, buf);
    let mut newest_first = state.market.prices().rev().peekable();
    let mut price_style = theme.strong;
    for row in inner.rows() {
        let Some(point) = newest_first.next() else {
            return;
        };
        let price = i64::from(point.price);
        let change = match newest_first.peek().map(|before| price - i64::from(before.price)) {
            None => Span::raw("          "),
            Some(by) => {
                let text = format!("   {} {:>5}", format::arrow(by), format::signed(by));
                Span::styled(text, theme.change_style(by))
            }
        };
        panel::styled(format::clock(point.at, &view.zone), theme.dim).render(row, buf);
        let price = Span::styled(format::thousands(price), price_style);
        Line::from_iter([price, change]).right_aligned().render(row, buf);
        price_style = theme.text;
    }
}
