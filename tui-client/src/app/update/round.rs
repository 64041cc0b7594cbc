//! Starts, pauses, announcements and ends of rounds.

use crate::app::{
    AppState, Effects,
    lobby::round::{ReceivedRound, Round, RoundPhase},
    overlay::{Overlay, Scroll},
    portfolio::order_log::ActionStatus,
};

/// Shows what has changed, and the podium of a round that was open. The wallet of a round that starts or ends follows.
pub(super) fn on_round(state: &mut AppState, round: Round) -> Effects {
    let received = ReceivedRound { round, at: state.now };
    let before = state.lobby.round.replace(received.clone());
    let (round, before) = (&received.round, before.as_ref().map(|before| &before.round));
    let is_same_phase =
        before.is_some_and(|known| (known.number, known.phase) == (round.number, round.phase));
    let phase = round.text(round.left_ms).filter(|_| !is_same_phase);
    // A session that opens finds out by its header, unless the round goes on.
    let is_news = before.is_some() || round.is_open();
    let is_said = before.is_none_or(|known| known.announcement != round.announcement);
    let said = Some(&round.announcement).filter(|text| is_said && !text.is_empty());
    let mut effects = Effects::new();
    for text in phase.filter(|_| is_news).into_iter().chain(said.cloned()) {
        state.alerts.toast(text.clone(), state.now);
        effects.extend(state.session.ring(state.now, || text.clone()));
        state.log.notify(state.now, ActionStatus::Done(text));
    }
    let is_over = round.phase == RoundPhase::Ended;
    if !is_over {
        let is_other = |overlay: &Overlay| !matches!(overlay, Overlay::Podium { .. });
        state.screen.overlays.retain(is_other);
    }
    if is_over && before.is_some_and(Round::is_open) {
        let scroll = Scroll::default();
        state.screen.overlays.push(Overlay::Podium { scroll });
    }
    effects
}
