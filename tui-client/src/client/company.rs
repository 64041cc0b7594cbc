//! What a casino tells of the others, checked: what cannot be is passed over, and lists are cut off where the contract
//! ends them.

use awesomestock_proto::casino;

use super::wire::trade_row;
use crate::{
    app::company::{Leaderboard, Player, Players, Standing, TapeNews, TapeRow},
    text::cut,
};

/// Entries of a list that are taken: as many as the contract has it tell.
const LIST_MAX: usize = 20;

/// Letters of a name that are taken: as many as a name may have, and the mark of the house.
const NAME_MAX_CHARS: usize = 33;

/// Trades of everybody.
pub(super) fn tape(tape: &casino::Tape) -> TapeNews {
    let row = |row: &casino::TapeRow| {
        Some(TapeRow {
            player: player(row.player.as_ref()?),
            trade: trade_row(row.trade.as_ref()?)?,
        })
    };
    TapeNews {
        rows: tape.rows.iter().take(LIST_MAX).filter_map(row).collect(),
        trades: tape.trades,
    }
}

/// Who is seated.
pub(super) fn players(players: &casino::Players) -> Players {
    Players {
        seated: players.seated.max(0),
        online: players.online.iter().take(LIST_MAX).map(player).collect(),
        unnamed: players.unnamed.max(0),
    }
}

/// Who owns most.
pub(super) fn leaderboard(leaderboard: &casino::Leaderboard) -> Leaderboard {
    Leaderboard {
        top: leaderboard
            .top
            .iter()
            .take(LIST_MAX)
            .filter_map(standing)
            .collect(),
        own: leaderboard.own.as_ref().and_then(standing),
        ranked: leaderboard.ranked.max(0),
    }
}

fn standing(standing: &casino::Standing) -> Option<Standing> {
    let sound = standing.rank >= 1 && standing.equity >= 0 && standing.tokens >= 0 && standing.stocks >= 0;
    Some(Standing {
        rank: standing.rank,
        player: player(standing.player.as_ref()?),
        equity: standing.equity,
        tokens: standing.tokens,
        stocks: standing.stocks,
    })
    .filter(|_| sound)
}

fn player(player: &casino::Player) -> Player {
    Player {
        name: cut(&player.name, NAME_MAX_CHARS).into_owned(),
        house: player.house,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_is_passed_over_and_lists_are_bounded() {
        let ann = casino::Player {
            name: "x".repeat(100),
            house: true,
        };
        let trade = casino::Trade {
            stocks_count: 1,
            price: 5,
            ..casino::Trade::default()
        };
        let row = |player: Option<&casino::Player>, price| casino::TapeRow {
            player: player.cloned(),
            trade: Some(casino::Trade { price, ..trade }),
        };
        let told = tape(&casino::Tape {
            rows: vec![row(Some(&ann), 5), row(None, 5), row(Some(&ann), 0)],
            trades: 3,
        });
        assert_eq!(told.rows.len(), 1);
        assert!(told.rows[0].player.name.ends_with('…') && told.rows[0].player.house);
        let many = casino::Players {
            seated: -1,
            online: vec![ann.clone(); 50],
            unnamed: -5,
        };
        let told = players(&many);
        assert_eq!((told.seated, told.online.len(), told.unnamed), (0, LIST_MAX, 0));
        let place = |rank, equity| casino::Standing {
            rank,
            equity,
            player: Some(ann.clone()),
            ..casino::Standing::default()
        };
        let told = leaderboard(&casino::Leaderboard {
            top: vec![place(1, 5), place(0, 5), place(2, -5)],
            own: Some(casino::Standing::default()),
            ranked: 9,
            ..casino::Leaderboard::default()
        });
        assert_eq!((told.top.len(), told.own, told.ranked), (1, None, 9));
    }
}
