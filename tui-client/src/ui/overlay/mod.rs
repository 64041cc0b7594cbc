//! Windows over the main screen, one file each.

mod amount;
mod confirm;
mod help;
mod lobby;
mod orders;
mod palette;
mod payments;
mod statement;
pub(crate) mod tour;
mod trades;
mod wire;

use ratatui::buffer::Buffer;

use super::layout::MainLayout;
use super::screens::{podium, splash};
use super::widgets::window::dim_background;
use super::{FrameInfo, Renderer};
use crate::app::AppState;
use crate::app::overlay::{Overlay, Scroll};

/// Draws all overlays from bottom to top and returns the facts about the top one.
pub(crate) fn draw(view: &Renderer, state: &AppState, layout: &MainLayout, buf: &mut Buffer) -> FrameInfo {
    let mut top = FrameInfo::default();
    for overlay in &state.screen.overlays {
        if !matches!(overlay, Overlay::Palette(_) | Overlay::Splash { .. }) {
            dim_background(view, layout.area, buf);
        }
        top = match overlay {
            Overlay::Splash { .. } => splash::draw(view, state, layout, buf),
            Overlay::Help { scroll } => help::window(view, state, layout).draw(view, *scroll, layout, buf),
            Overlay::Lobby { scroll } => lobby::window(view, state, layout).draw(view, *scroll, layout, buf),
            Overlay::Podium { .. } => podium::window(view, state, layout, buf),
            Overlay::Orders { scroll } => {
                orders::window(view, state, layout).draw(view, *scroll, layout, buf)
            }
            Overlay::Payments(document) => payments::draw(view, state, document, layout, buf),
            Overlay::Trades(document) => trades::draw(view, state, document, layout, buf),
            Overlay::Statement(document) => {
                statement::window(view, state, document, layout).draw(view, document.scroll, layout, buf)
            }
            Overlay::Palette(palette) => palette::draw(view, state, palette, layout, buf),
            Overlay::WireRow { item, scroll } => {
                wire::window(view, item, layout).draw(view, *scroll, layout, buf)
            }
            Overlay::Confirm(command) => {
                confirm::window(view, state, *command, layout).draw(view, Scroll::default(), layout, buf)
            }
            Overlay::Amount(entry) => amount::draw(view, state, entry, layout, buf),
        };
    }
    top
}
