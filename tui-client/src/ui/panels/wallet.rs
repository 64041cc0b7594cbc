//! Wallet: balance, value, profit and loss. A value that the server does not send is a dash, never a zero.
//!
//! ```text
//! ╭ Wallet ──────────────────╮      small:
//! │ tokens             1,204 │      1,204 tokens     12 stocks @ 31.50
//! │ stocks                12 │      equity 1,648        ▲ +66 +17.4 %
//! │ average cost       31.50 │
//! │ value                444 │
//! │ unrealised  ▲ +66 +17.4 %│
//! │ realised           ▼ -12 │
//! │ equity             1,648 │
//! │ dollars in, out  100, 20 │
//! ╰──────────────────────────╯
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Constraint::Length;
use ratatui::layout::{Layout, Margin, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::connection;
use crate::app::AppState;
use crate::app::portfolio::money::{Permille, ratio};
use crate::app::portfolio::wallet::{Wallet, WalletState};
use crate::ui::Renderer;
use crate::ui::layout::{LayoutSize, MainLayout};
use crate::ui::text::{self, format};
use crate::ui::widgets::panel;

const TOKENS_ONLY: &str = "this casino reports tokens only: stocks, cost and profit are unknown";

/// Columns of one of two numbers that do not fit a row.
const COMPACT_COLUMNS: usize = 8;

struct WalletRow {
    label: &'static str,
    /// Longest variant first.
    lines: Vec<Line<'static>>,
    /// If there are too few rows, rows with the highest rank are dropped.
    rank: u8,
    /// Whether the row starts a group.
    group: bool,
}

impl WalletRow {
    fn new(label: &'static str, lines: Vec<Line<'static>>, rank: u8) -> Self {
        Self {
            label,
            lines,
            rank,
            group: false,
        }
    }

    fn begins_group(self) -> Self {
        Self { group: true, ..self }
    }
}

/// Dims lines that are calculated from the last price, if it is not current.
fn at_price(view: &Renderer, is_current: bool, mut lines: Vec<Line<'static>>) -> Vec<Line<'static>> {
    if !is_current {
        let spans = lines.iter_mut().flat_map(|line| &mut line.spans);
        spans.for_each(|span| span.style = view.theme.dim);
    }
    lines
}

pub(crate) fn draw(view: &Renderer, state: &AppState, layout: &MainLayout, buf: &mut Buffer) {
    if layout.size == LayoutSize::Small {
        return small(view, state, layout.wallet.inner(Margin::new(1, 0)), buf);
    }
    let inner = panel::framed(view, "Wallet", None, layout.wallet, buf);
    let height = usize::from(inner.height);
    let mut rows = rows(view, state, layout.size);
    while rows.len() > height {
        let least = rows.iter().map(|row| row.rank).max();
        rows.retain(|row| Some(row.rank) != least);
    }
    let groups = rows.iter().skip(1).filter(|row| row.group).count();
    let spaced = rows.len() + groups <= height;
    let mut areas = inner.rows();
    for (index, row) in rows.iter().enumerate() {
        if spaced && row.group && index > 0 {
            areas.next();
        }
        panel::draw_labeled(view, row.label, &row.lines, areas.next().unwrap_or_default(), buf);
    }
    if matches!(state.holdings, WalletState::TokensOnly(_)) {
        let text = text::wrap(TOKENS_ONLY, usize::from(inner.width), 0);
        for (line, area) in text.into_iter().zip(areas.skip(1)) {
            panel::styled(line, view.theme.dim).render(area, buf);
        }
    }
}

fn rows(view: &Renderer, state: &AppState, size: LayoutSize) -> Vec<WalletRow> {
    let theme = &view.theme;
    let is_current = connection::is_current(state);
    let at_price = |lines| at_price(view, is_current, lines);
    let wallet = state.holdings.wallet();
    let strong =
        |amount: Option<i64>| vec![panel::styled(known(amount.map(format::thousands)), theme.strong)];
    let text = |text: Option<String>| vec![Line::from(known(text))];
    let tokens = state.holdings.tokens().map(i64::from);
    let mut rows = vec![WalletRow::new("tokens", strong(tokens), 0)];
    if matches!(state.holdings, WalletState::TokensOnly(_)) {
        return rows;
    }
    let stocks = wallet.map(|wallet| i64::from(wallet.stocks));
    let average = wallet.and_then(Wallet::average_cost).map(format::hundredths);
    let at_last = wallet.zip(state.market.price());
    let value = at_last.map(|(wallet, price)| wallet.value(price));
    let equity = at_last.map(|(wallet, price)| wallet.equity(price));
    let unrealised = at_last.and_then(|(wallet, price)| unrealised(wallet, price));
    let realised = wallet.map(|wallet| (wallet.realised_pnl, None));
    rows.extend([
        WalletRow::new("stocks", strong(stocks), 0),
        WalletRow::new("average cost", text(average), 2),
        WalletRow::new("value", at_price(text(value.map(format::thousands))), 3),
        WalletRow::new("unrealised", at_price(profit(view, unrealised)), 1).begins_group(),
        WalletRow::new("realised", profit(view, realised), 2),
        WalletRow::new("equity", at_price(strong(equity)), 0).begins_group(),
    ]);
    let dollars_in = wallet.map(|wallet| format::dollars(wallet.dollars_in));
    let dollars_out = wallet.map(|wallet| format::dollars(wallet.dollars_out));
    if size >= LayoutSize::Large {
        let share = share_bar(view, value.zip(equity));
        rows.extend([
            WalletRow::new("in stocks", at_price(vec![share]), 5),
            WalletRow::new("dollars in", text(dollars_in), 4).begins_group(),
            WalletRow::new("dollars out", text(dollars_out), 4),
        ]);
    } else {
        let both = dollars_in.zip(dollars_out);
        let both = both.map(|(paid_in, out)| format!("{paid_in} / {out}"));
        let compact = wallet.map(|wallet| {
            let [paid_in, out] = [wallet.dollars_in, wallet.dollars_out]
                .map(|dollars| format::compact(dollars, COMPACT_COLUMNS));
            Line::from(format!("{paid_in} $ / {out} $"))
        });
        let both = text(both).into_iter().chain(compact).collect();
        rows.push(WalletRow::new("in / out", both, 4).begins_group());
    }
    rows
}

/// Returns profit or loss of the stocks held, with its percentage.
fn unrealised(wallet: &Wallet, price: i32) -> Option<(i64, Option<Permille>)> {
    (wallet.stocks > 0).then(|| (wallet.unrealised_pnl(price), wallet.unrealised_permille(price)))
}

/// Returns a profit with and without its percentage.
fn profit(view: &Renderer, profit: Option<(i64, Option<Permille>)>) -> Vec<Line<'static>> {
    let Some((tokens, permille)) = profit else {
        return vec![Line::from(format::UNKNOWN)];
    };
    let style = view.theme.change_style(tokens);
    let amount = format!("{} {}", format::arrow(tokens), format::signed(tokens));
    let percent = permille.map(|permille| format!("{amount}  {permille}"));
    let compact = format!(
        "{} {}",
        format::arrow(tokens),
        format::compact_signed(tokens, COMPACT_COLUMNS)
    );
    let variants = percent.into_iter().chain([amount, compact]);
    variants.map(|text| panel::styled(text, style)).collect()
}

/// Returns the share of stocks in the equity as a bar of ten cells and a percentage.
fn share_bar(view: &Renderer, share: Option<(i64, i64)>) -> Line<'static> {
    let in_units = |scale| share.and_then(|(value, equity)| ratio(value, equity, scale));
    let (Some(filled), Some(percent)) = (in_units(10), in_units(100)) else {
        return Line::from(format::UNKNOWN);
    };
    let filled = usize::try_from(filled).unwrap_or(0).min(10);
    Line::from(vec![
        Span::styled("━".repeat(filled), view.theme.accent),
        Span::styled("─".repeat(10 - filled), view.theme.border),
        Span::raw(format!("{percent:>4} %")),
    ])
}

/// Draws two rows without a border.
fn small(view: &Renderer, state: &AppState, area: Rect, buf: &mut Buffer) {
    let theme = &view.theme;
    let [first, second] = area.layout(&Layout::vertical([Length(1), Length(1)]));
    let strong = |text: String| panel::styled(text, theme.strong);
    let tokens = match state.holdings.tokens().map(i64::from) {
        None => vec![strong(format!("{} tokens", format::UNKNOWN))],
        Some(tokens) => vec![
            strong(format::pluralize(tokens, "token")),
            strong(format::thousands(tokens)),
        ],
    };
    let Some(wallet) = state.holdings.wallet() else {
        let reason = match state.holdings {
            WalletState::TokensOnly(_) => "this casino reports tokens only",
            WalletState::Unknown | WalletState::Known(_) => "the wallet is not known yet",
        };
        panel::draw_justified(&tokens, &[], first, buf);
        panel::styled(reason, theme.dim).render(second, buf);
        return;
    };
    let stocks = strong(format::pluralize(wallet.stocks, "stock"));
    let mut at_average = stocks.clone();
    if let Some(average) = wallet.average_cost() {
        let text = format!(" at {}", format::hundredths(average));
        at_average.push_span(Span::styled(text, theme.dim));
    }
    panel::draw_justified(&tokens, &[at_average, stocks], first, buf);
    let Some(price) = state.market.price() else {
        return;
    };
    let is_current = connection::is_current(state);
    let equity = [usize::MAX, COMPACT_COLUMNS].map(|columns| {
        let equity = format::compact(wallet.equity(price), columns).into();
        Line::from(vec![Span::styled("equity ", theme.dim), equity])
    });
    let profits = match unrealised(wallet, price) {
        Some(unrealised) => at_price(view, is_current, profit(view, Some(unrealised))),
        None => {
            let mut lines = profit(view, Some((wallet.realised_pnl, None)));
            for line in &mut lines {
                line.spans.insert(0, Span::styled("realised ", theme.dim));
            }
            lines
        }
    };
    panel::draw_justified(&at_price(view, is_current, equity.into()), &profits, second, buf);
}

fn known(value: Option<String>) -> String {
    value.unwrap_or_else(|| format::UNKNOWN.to_owned())
}
