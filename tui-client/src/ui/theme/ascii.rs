//! Replaces the program's own non-ASCII symbols, for terminals without them. Names of players stay as they
//! are.

use ratatui::buffer::Buffer;

pub(crate) fn replace(buf: &mut Buffer) {
    for cell in &mut buf.content {
        let mut letters = cell.symbol().chars();
        if let (Some(symbol), None) = (letters.next(), letters.next())
            && let Some(ascii) = ascii_for(symbol)
        {
            cell.set_char(ascii);
        }
    }
}

fn ascii_for(symbol: char) -> Option<char> {
    Some(match symbol {
        '╭' | '╮' | '╰' | '╯' | '┌' | '┐' | '└' | '┘' | '├' | '┤' | '┬' | '┴' | '┼' => {
            '+'
        }
        '─' | '━' | '–' | '▔' => '-',
        '│' | '┃' | '║' | '┊' => '|',
        '▲' | '↑' => '^',
        '▼' | '↓' => 'v',
        '●' => '*',
        '◌' | '○' => 'o',
        '◐' => '!',
        '◇' | '◆' => '+',
        '◂' | '←' => '<',
        '▸' | '→' => '>',
        '✓' => '+',
        '✗' => 'x',
        '…' => '~',
        '·' => '.',
        '█' => '#',
        '▇' => '%',
        '▆' => '*',
        '▅' => '+',
        '▀' => '"',
        '▄' => '=',
        '▃' => '-',
        '▂' => '.',
        '▁' => '_',
        _ => return None,
    })
}
