//! The configuration file that `awesomestock config` prints: every key with its default, behind a `#`.

use std::fmt::Write;

use clap::{Args, Command};

use crate::app::commands::action::BINDINGS;
use crate::cli::args::Options;
use crate::ui::text;

/// Columns of an explanation, without the `#`.
const COLUMNS: usize = 98;

/// The default of each key, or an example if the system decides.
const VALUES: [(&str, &str); 18] = [
    ("casino", "\"solo\""),
    ("tls-ca", "\"ca.pem\""),
    ("allow-plaintext", "false"),
    ("user", "\"ann\""),
    ("timeout", "\"10s\""),
    ("tick", "\"1s\""),
    ("initial-price", "10"),
    ("seed", "1"),
    ("market", "\"classic\""),
    ("house", "3"),
    ("plain", "false"),
    ("wire", "false"),
    ("bell", "\"off\""),
    ("no-splash", "false"),
    ("theme", "\"terminal\""),
    ("up", "\"green\""),
    ("markers", "\"braille\""),
    ("data-dir", "\"/home/ann/awesomestock\""),
];

/// Returns the file. Without the `#` before a key, it has the default value, or an example.
pub fn template() -> String {
    let mut text = String::from("# Configuration of awesomestock. Remove the # before a key to set it.\n");
    let options = Options::augment_args(Command::new("options"));
    for option in options.get_arguments() {
        let key = option.get_long().unwrap_or_default();
        let help = option.get_help().map(ToString::to_string).unwrap_or_default();
        let known = VALUES.iter().find(|(known, _)| *known == key);
        let value = known.map_or("\"\"", |(_, value)| value);
        // Writing to a string cannot fail.
        let _ = write!(text, "\n{}#{key} = {value}\n", comment(&help));
    }
    text.push_str("\n# Keys of the actions: one, a list, or [] for none.\n[keys]\n");
    for row in BINDINGS {
        let keys: Vec<String> = row.keys.iter().map(ToString::to_string).collect();
        let keys = toml::Value::from(keys);
        let _ = write!(text, "\n{}#{} = {keys}\n", comment(row.help), row.name);
    }
    text
}

/// Returns `text` as comment lines.
fn comment(text: &str) -> String {
    let lines = text::wrap(text, COLUMNS, 0).into_iter();
    lines.map(|line| format!("# {line}\n")).collect()
}
