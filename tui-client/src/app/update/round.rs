//! Starts, pauses, announcements and ends of rounds.

use awesomestock_proto::text::thousands;

use crate::app::commands::command::Command;
use crate::app::lobby::round::{ReceivedRound, Round, RoundPhase};
use crate::app::overlay::{Overlay, Scroll};
use crate::app::portfolio::order_log::ActionStatus;
use crate::app::{AppState, Effects};

/// Closes the podium of a view without a player, where nobody may press a key.
pub(crate) fn end_podium(state: &mut AppState) {
    let round = state.lobby.round.as_ref();
    let until = round.and_then(ReceivedRound::end_shown_until);
    if until.is_some_and(|until| state.now >= until) {
        close_podium(state);
    }
}

fn close_podium(state: &mut AppState) {
    let is_other = |overlay: &Overlay| !matches!(overlay, Overlay::Podium { .. });
    state.screen.overlays.retain(is_other);
}

/// Closes the windows that are about the account before, if another round is open than `before`: what they would send was
/// not meant for this one.
pub(super) fn on_account(state: &mut AppState, before: Option<i64>) {
    let open = state.lobby.open_round();
    if open == before {
        return;
    }
    let is_other = |overlay: &Overlay| match overlay {
        Overlay::Confirm(command) => *command == Command::Exit,
        Overlay::Amount(_) => false,
        _ => true,
    };
    let windows = state.screen.overlays.len();
    state.screen.overlays.retain(is_other);
    if state.screen.overlays.len() == windows {
        return;
    }
    let why = match (open, before) {
        (Some(number), _) => format!("round {} has begun", thousands(number)),
        (None, Some(number)) => format!("round {} is over", thousands(number)),
        (None, None) => return,
    };
    let text = format!("{why}: enter it again");
    state.alerts.toast(format!("not sent: {text}"), state.now);
    state.log.notify(state.now, ActionStatus::NotSent(text));
}

/// Shows what has changed, and the podium of a round that was open. The wallet of a round that starts or ends follows.
pub(super) fn on_round(state: &mut AppState, round: &Round) -> Effects {
    let open_before = state.lobby.open_round();
    let before = state.lobby.set_round(round.clone(), state.now);
    let before = before.as_ref().map(|before| &before.round);
    let is_same_phase =
        before.is_some_and(|known| (known.number, known.phase) == (round.number, round.phase));
    let phase = round.text(round.left_ms).filter(|_| !is_same_phase);
    // A session that opens finds out by its header, unless the round goes on.
    let is_news = before.is_some() || round.is_open();
    let is_said = before.is_none_or(|known| known.announcement != round.announcement);
    let said = Some(&round.announcement).filter(|text| is_said && !text.is_empty());
    let mut effects = Effects::new();
    if let Some(text) = phase.filter(|_| is_news) {
        state.alerts.toast(text.clone(), state.now);
        effects.extend(state.session.ring(state.now, || text.clone()));
        state.log.notify(state.now, ActionStatus::Done(text));
    }
    // The header shows it as long as it holds.
    if let Some(text) = said {
        if before.is_some() {
            effects.extend(state.session.ring(state.now, || text.clone()));
        }
        let logged = format!("operator: {text}");
        state.log.notify(state.now, ActionStatus::Done(logged));
    }
    let is_over = round.phase == RoundPhase::Ended;
    if !is_over {
        close_podium(state);
    }
    on_account(state, open_before);
    if is_over && before.is_some_and(Round::is_open) {
        update_own(state);
        let scroll = Scroll::default();
        state.screen.overlays.push(Overlay::Podium { scroll });
    }
    effects
}

/// Computes the player's result at the last price of the round, while the wallet is still that of the round.
fn update_own(state: &mut AppState) {
    let known = state.holdings.wallet().zip(state.market.price());
    let now = known.map(|(wallet, price)| wallet.performance(price));
    let own = state.lobby.round.as_mut().and_then(|round| round.own.as_mut());
    if let (Some(now), Some(known)) = (now, own.and_then(|own| own.performance.as_mut()))
        && known.dollars_in == now.dollars_in
    {
        *known = now;
    }
}
