//! The wallet: what the player owns, what it is worth, and what was won or lost.
//!
//! Owns which figures are shown and how they are grouped. Each is reckoned by the state; what the casino does not
//! tell is a dash, never a zero.
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

use ratatui::{
    buffer::Buffer,
    layout::{Margin, Rect},
    text::{Line, Span},
    widgets::Widget,
};

use super::{
    View, format,
    layout::{Desk, Size},
    panel,
    status::Status,
    text,
};
use crate::app::{
    AppState,
    money::Permille,
    wallet::{Holdings, Wallet},
};

/// What is said about a casino that tells tokens only.
const TOKENS_ONLY: &str = "this casino tells tokens only: stocks, costs and profits are not known here";

/// One figure of the wallet.
struct Figure {
    label: &'static str,
    /// From the wordiest wording on.
    lines: Vec<Line<'static>>,
    /// Where rows are short, a higher rank goes first.
    rank: u8,
    /// It begins a group.
    group: bool,
}

impl Figure {
    fn new(label: &'static str, line: Line<'static>, rank: u8) -> Self {
        Self::in_wordings(label, vec![line], rank)
    }

    fn in_wordings(label: &'static str, lines: Vec<Line<'static>>, rank: u8) -> Self {
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

    /// It is reckoned at the last price: when that is not in force, neither is this.
    fn at_price(mut self, view: &View, in_force: bool) -> Self {
        if !in_force {
            self.lines = self.lines.into_iter().map(|line| dimmed(view, line)).collect();
        }
        self
    }
}

/// The line without any other look than the dim one.
fn dimmed(view: &View, mut line: Line<'static>) -> Line<'static> {
    for span in &mut line.spans {
        span.style = view.theme.dim;
    }
    line
}

/// Draws the wallet.
pub(super) fn draw(view: &View, state: &AppState, desk: &Desk, buf: &mut Buffer) {
    if desk.size == Size::Small {
        return small(view, state, desk.wallet.inner(Margin::new(1, 0)), buf);
    }
    let inner = panel::framed(view, "Wallet", None, desk.wallet, buf);
    let rows = usize::from(inner.height);
    let mut figures = figures(view, state, desk.size);
    while figures.len() > rows {
        let least = figures.iter().map(|figure| figure.rank).max();
        figures.retain(|figure| Some(figure.rank) != least);
    }
    let groups = figures.iter().skip(1).filter(|figure| figure.group).count();
    let airy = figures.len().saturating_add(groups) <= rows;
    let mut next: u16 = 0;
    for figure in figures {
        if airy && figure.group && next > 0 {
            next = next.saturating_add(1);
        }
        panel::pair(view, figure.label, &figure.lines, panel::row(inner, next), buf);
        next = next.saturating_add(1);
    }
    if matches!(state.holdings, Holdings::TokensOnly(_)) {
        for (line, index) in text::wrap(TOKENS_ONLY, usize::from(inner.width), 0)
            .into_iter()
            .zip(next.saturating_add(1)..)
        {
            panel::styled(line, view.theme.dim).render(panel::row(inner, index), buf);
        }
    }
}

/// The figures that are shown, in order.
fn figures(view: &View, state: &AppState, size: Size) -> Vec<Figure> {
    let theme = &view.theme;
    let in_force = Status::of(view, state).in_force;
    let price = state.market.last().map(|last| last.price);
    let wallet = state.holdings.wallet();
    let plain = |amount: Option<i64>| Line::from(known(amount.map(format::grouped)));
    let strong = |amount: Option<i64>| panel::styled(known(amount.map(format::grouped)), theme.strong);
    let valued =
        |reckon: fn(&Wallet, i32) -> i64| wallet.zip(price).map(|(wallet, price)| reckon(wallet, price));
    let tokens = state.holdings.tokens().map(i64::from);
    let mut figures = vec![Figure::new("tokens", strong(tokens), 0).begins_group()];
    if matches!(state.holdings, Holdings::TokensOnly(_)) {
        return figures;
    }
    let stocks = wallet.map(|wallet| i64::from(wallet.stocks));
    let average = wallet.and_then(Wallet::average_cost).map(format::hundredths);
    let realised = wallet.map(|wallet| (wallet.realised_pnl, None));
    figures.extend([
        Figure::new("stocks", strong(stocks), 0),
        Figure::new("average cost", Line::from(known(average)), 1),
        Figure::new("value", plain(valued(Wallet::value)), 2).at_price(view, in_force),
        Figure::in_wordings(
            "unrealised",
            profit(view, wallet.zip(price).and_then(unrealised)),
            0,
        )
        .begins_group()
        .at_price(view, in_force),
        Figure::in_wordings("realised", profit(view, realised), 1),
        Figure::new("equity", strong(valued(Wallet::equity)), 0)
            .begins_group()
            .at_price(view, in_force),
    ]);
    let dollars_in = wallet.map(|wallet| format::dollars(wallet.dollars_in));
    let dollars_out = wallet.map(|wallet| format::dollars(wallet.dollars_out));
    if size >= Size::Large {
        let share = valued(Wallet::value).zip(valued(Wallet::equity));
        figures.extend([
            Figure::new("in stocks", share_bar(view, share), 5).at_price(view, in_force),
            Figure::new("dollars in", Line::from(known(dollars_in)), 3).begins_group(),
            Figure::new("dollars out", Line::from(known(dollars_out)), 3),
        ]);
    } else {
        let both = dollars_in.zip(dollars_out);
        let both = both.map(|(paid_in, out)| format!("{paid_in} / {out}"));
        figures.push(Figure::new("in / out", Line::from(known(both)), 3).begins_group());
    }
    figures
}

/// Profit or loss of the stocks held, of which there must be some.
fn unrealised((wallet, price): (&Wallet, i32)) -> Option<(i64, Option<Permille>)> {
    (wallet.stocks > 0).then(|| (wallet.unrealised_pnl(price), wallet.unrealised_permille(price)))
}

/// A profit or loss with its arrow, sign and percentage; and without the percentage.
fn profit(view: &View, profit: Option<(i64, Option<Permille>)>) -> Vec<Line<'static>> {
    let Some((tokens, permille)) = profit else {
        return vec![Line::from(format::UNKNOWN)];
    };
    let style = view.theme.moved(tokens);
    let amount = format!("{} {}", format::arrow(tokens), format::signed(tokens));
    let percent = permille.map(|permille| format!("{amount}  {}", format::percent(permille)));
    let wordings = percent.into_iter().chain([amount]);
    wordings.map(|words| panel::styled(words, style)).collect()
}

/// How much of the equity is in stocks, as a bar of ten cells and a percentage.
fn share_bar(view: &View, share: Option<(i64, i64)>) -> Line<'static> {
    let permille = share.and_then(|(value, equity)| Permille::of(value, equity));
    let Some(Permille(permille)) = permille else {
        return Line::from(format::UNKNOWN);
    };
    let filled = usize::try_from(permille.saturating_add(50) / 100)
        .unwrap_or(0)
        .min(10);
    let percent = permille.saturating_add(5) / 10;
    Line::from(vec![
        Span::styled("━".repeat(filled), view.theme.accent),
        Span::styled("─".repeat(10_usize.saturating_sub(filled)), view.theme.border),
        Span::raw(format!("{percent:>4} %")),
    ])
}

/// Two rows without a border.
fn small(view: &View, state: &AppState, area: Rect, buf: &mut Buffer) {
    let theme = &view.theme;
    let (first, second) = (panel::row(area, 0), panel::row(area, 1));
    let strong = |words: String| panel::styled(words, theme.strong);
    let tokens = state.holdings.tokens().map(i64::from);
    let tokens = tokens.map_or(vec![strong(format!("{} tokens", format::UNKNOWN))], |tokens| {
        vec![
            strong(format::counted(tokens, "token")),
            strong(format::grouped(tokens)),
        ]
    });
    let Some(wallet) = state.holdings.wallet() else {
        let said = match state.holdings {
            Holdings::TokensOnly(_) => "this casino tells tokens only",
            Holdings::Unknown | Holdings::Known(_) => "the wallet has not come yet",
        };
        panel::sides(&tokens, &[], first, buf);
        panel::styled(said, theme.dim).render(second, buf);
        return;
    };
    let stocks = strong(format::counted(i64::from(wallet.stocks), "stock"));
    let mut at_average = stocks.clone();
    if let Some(average) = wallet.average_cost() {
        let words = format!(" at {}", format::hundredths(average));
        at_average.push_span(Span::styled(words, theme.dim));
    }
    panel::sides(&tokens, &[at_average, stocks], first, buf);
    let Some(price) = state.market.last().map(|last| last.price) else {
        return;
    };
    let in_force = Status::of(view, state).in_force;
    let shown = |line: Line<'static>| if in_force { line } else { dimmed(view, line) };
    let equity = Line::from(vec![
        Span::styled("equity ", theme.dim),
        Span::raw(format::grouped(wallet.equity(price))),
    ]);
    let profits: Vec<_> = match unrealised((wallet, price)) {
        Some(unrealised) => profit(view, Some(unrealised)).into_iter().map(shown).collect(),
        None => {
            let mut lines = profit(view, Some((wallet.realised_pnl, None)));
            for line in &mut lines {
                line.spans.insert(0, Span::styled("realised ", theme.dim));
            }
            lines
        }
    };
    panel::sides(&[shown(equity)], &profits, second, buf);
}

fn known(figure: Option<String>) -> String {
    figure.unwrap_or_else(|| format::UNKNOWN.to_owned())
}
