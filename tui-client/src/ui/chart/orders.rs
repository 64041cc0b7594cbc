//! Resting orders on the chart: a line and a label at the price of each. The selected one is at its next price.
//!
//! ```text
//! ╭ Price ── BUY 5 limit 30 → 32  ↑ ↓ change the price  Enter moves ╮
//! │ SELL 3 limit 60  SELL 1 limit 60  +2 ╌ ╌ ╌ ╌ ╌ ╌ ╌ ╌ ╌ ╌ ╌ ╌ 60 │
//! │             ⢀⠔⠢⡀                                                │
//! │ BUY 5 limit 30 → 32  ╌ ╌ ╌ ╌ ╌ ╌ ╌ ╌ ╌ ╌ ╌ ╌ ╌ ╌ ╌ ╌ ╌ ╌ ╌ ╌ 32 │
//! ```

use std::collections::BTreeMap;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;
use uuid::Uuid;

use super::dot_grid::Layer;
use super::{ChartFrame, hundredths};
use crate::app::chart::OrderLabel;
use crate::app::commands::action::Action;
use crate::app::portfolio::money::Side;
use crate::app::portfolio::open_orders::RestingOrder;
use crate::ui::text::{self, format};
use crate::ui::widgets::panel;

/// Columns of a number in a label: whole, or else short.
const NUMBER_COLUMNS: [usize; 2] = [usize::MAX, format::COMPACT_COLUMNS];

/// Columns of the label of the average cost.
const AVERAGE_COLUMNS: u16 = 13;

/// A drawn label: of an order, or the number of orders without room for one.
pub(super) struct OrderTag {
    id: Option<Uuid>,
    pub(super) area: Rect,
    text: String,
    style: Style,
}

impl OrderTag {
    pub(super) fn label(&self) -> Option<OrderLabel> {
        let area = self.area.into();
        Some(OrderLabel { area, id: self.id? })
    }
}

impl ChartFrame<'_> {
    /// Places the labels that fit side by side at the left end of their rows, and the number of others. Without axes,
    /// only the selected order has one, and without a selection only the number is shown.
    pub(super) fn order_tags(&self) -> Vec<OrderTag> {
        let selected = self.state.orders.selection().map(|selection| selection.id);
        let open = self.state.orders.open().len();
        if self.gutter == 0 && selected.is_none() && open > 0 {
            let text = format!(" {open} open ");
            return vec![self.order_tag(None, Position::ORIGIN, text, self.view.theme.dim)];
        }
        let shown = self.state.orders.open().iter();
        let shown = shown.filter(|order| self.gutter > 0 || Some(order.id) == selected);
        let mut rows: BTreeMap<u16, Vec<&RestingOrder>> = BTreeMap::new();
        for order in shown {
            let row = rows.entry(self.scale.row(self.next_price(order))).or_default();
            match Some(order.id) == selected {
                true => row.insert(0, order),
                false => row.push(order),
            }
        }
        let average = self
            .average()
            .map(|average| self.scale.row_of_hundredths(average))
            .filter(|_| self.gutter > 0);
        let mut tags: Vec<OrderTag> = Vec::new();
        for (row, orders) in rows {
            // The average cost has its label there.
            let first = if average == Some(row) { AVERAGE_COLUMNS } else { 0 };
            tags.extend(self.row_tags(row, first, &orders));
        }
        // The selected one is drawn last.
        tags.sort_by_key(|tag| tag.id.is_some() && tag.id == selected);
        tags
    }

    /// Places a label at this column and row of the plot.
    fn order_tag(&self, id: Option<Uuid>, at: Position, text: String, style: Style) -> OrderTag {
        let area = Rect::new(
            self.plot.x.saturating_add(at.x),
            self.plot.y.saturating_add(at.y),
            text::cells(text::width(&text)),
            1,
        );
        OrderTag {
            id,
            area,
            text,
            style,
        }
    }

    /// Places the labels of a row from the column `x`.
    fn row_tags(&self, row: u16, mut x: u16, orders: &[&RestingOrder]) -> Vec<OrderTag> {
        let theme = &self.view.theme;
        let mut tags = Vec::new();
        for (index, order) in orders.iter().enumerate() {
            let at = Position::new(x, row);
            let [text, compact] = NUMBER_COLUMNS.map(|columns| {
                let text = self.tag_text(order, self.next_price(order), columns);
                format!(" {text} ")
            });
            let after = orders.len().saturating_sub(index).saturating_sub(1);
            let reserved = if after > 0 { text::width(&more(after)) } else { 0 };
            let room = usize::from(self.plot.width.saturating_sub(x)).saturating_sub(reserved);
            if x > 0 && text::width(&compact) > room {
                let text = more(after.saturating_add(1));
                tags.push(self.order_tag(None, at, text, theme.dim));
                break;
            }
            let style = match order.side {
                _ if self.state.orders.selection().is_some_and(|of| of.id == order.id) => {
                    theme.accent.add_modifier(Modifier::REVERSED)
                }
                Side::Buy => theme.up,
                Side::Sell => theme.down,
            };
            let text = text::fit(&[&text, &compact], room).into_owned();
            let next = self.order_tag(Some(order.id), at, text, style);
            x = x.saturating_add(next.area.width);
            tags.push(next);
        }
        tags
    }

    /// Returns the price at which an order is shown: that of the selected or moved one is the next price.
    fn next_price(&self, order: &RestingOrder) -> i32 {
        let orders = &self.state.orders;
        let selected = orders.selection().filter(|selection| selection.id == order.id);
        selected
            .map(|selection| selection.price)
            .or_else(|| orders.moves_to(order.id))
            .unwrap_or(order.condition.price)
    }

    /// Returns `BUY 5 limit 30 → 32`, with an arrow if the price is off the scale. Numbers have at most `columns` each.
    fn tag_text(&self, order: &RestingOrder, price: i32, columns: usize) -> String {
        let side = order.side.word().to_ascii_uppercase();
        let count = format::compact(order.count, columns);
        let mut text = format!("{side} {count} {}", format::condition(order.condition, columns));
        if price != order.condition.price {
            text.push_str(&format!(" → {}", format::compact(price, columns)));
        }
        if !self.scale.contains(hundredths(price)) {
            let is_above = self.scale.row(price) == 0;
            text.push_str(if is_above { " ↑" } else { " ↓" });
        }
        text
    }

    pub(super) fn draw_order_lines(&self, buf: &mut Buffer) {
        for order in self.state.orders.open() {
            let price = hundredths(self.next_price(order));
            self.draw_level(Some(price), Layer::Order(order.side), buf);
        }
    }

    pub(super) fn draw_order_tags(&self, buf: &mut Buffer) {
        for tag in &self.orders {
            let line = panel::styled(tag.text.as_str(), tag.style);
            panel::draw_over(self.view, line, tag.area, buf);
        }
    }

    /// Returns the selected order and those of its keys that fit `columns`, or that it has ended.
    pub(super) fn order_line(&self, columns: usize) -> Option<Line<'static>> {
        if self.state.orders.selected_ended() {
            let variants = [" the selected order has ended  Esc ", " it has ended  Esc "];
            return Some(panel::fitted(&variants, columns, self.view.theme.accent));
        }
        let (order, price) = self.state.orders.selected()?;
        let [what, compact] = NUMBER_COLUMNS.map(|columns| self.tag_text(order, price, columns));
        // The key of a limit is shorter than its name.
        let short = compact.replace(" limit ", " @ ");
        let next = panel::key_label(self.state, Action::NextOrder);
        let variants = [
            format!(" {what}  ↑ ↓ change the price  Enter moves  Del cancels  {next} next  Esc "),
            format!(" {what}  ↑ ↓ price  Enter moves  Del cancels  Esc "),
            format!(" {what}  ↑ ↓  Enter moves  Del cancels "),
            format!(" {what}  ↑ ↓ Enter Del Esc "),
            format!(" {compact}  ↑ ↓ Enter Del Esc "),
            format!(" {short}  ↑ ↓ Enter Del Esc "),
            format!(" {short}  Enter Del Esc "),
            format!(" {short}  Enter Esc "),
            format!(" {short}  Enter "),
            format!(" {what} "),
            format!(" {compact} "),
        ];
        Some(panel::fitted(&variants, columns, self.view.theme.accent))
    }
}

/// Returns the number of orders without a label.
fn more(orders: usize) -> String {
    format!(" +{orders} ")
}
