//! The screen without anything but ASCII, for terminals that show nothing else.
//!
//! Owns what stands for each sign of ours. Letters of others, such as names, stay as they are.

use ratatui::buffer::Buffer;

/// Replaces every sign of ours that is not ASCII.
pub(super) fn replace(buf: &mut Buffer) {
    for cell in &mut buf.content {
        let mut letters = cell.symbol().chars();
        if let (Some(letter), None) = (letters.next(), letters.next())
            && let Some(ascii) = instead_of(letter)
        {
            cell.set_char(ascii);
        }
    }
}

fn instead_of(letter: char) -> Option<char> {
    Some(match letter {
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
        '◂' => '<',
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
