//! The manual page, generated from the command definition. All commands are on one page, one line each.

use std::io;

use clap::Command;
use clap_mangen::{
    Man,
    roff::{Roff, bold, roman},
};

pub(crate) fn write(command: Command, out: &mut dyn io::Write) -> io::Result<()> {
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let man = Man::new(command.clone());
    man.render_title(out)?;
    man.render_name_section(out)?;
    man.render_synopsis_section(out)?;
    man.render_description_section(out)?;
    commands(&command).to_writer(out)?;
    man.render_options_section(out)?;
    man.render_version_section(out)
}

fn commands(command: &Command) -> Roff {
    let mut page = Roff::new();
    page.control("SH", ["COMMANDS"]);
    page.text([roman("Without a command, the game starts.")]);
    for command in command.get_subcommands().filter(|command| !command.is_hide_set()) {
        let mut usage = vec![bold(command.get_name())];
        for operand in command.get_positionals() {
            usage.push(roman(format!(" {operand}")));
        }
        let options = command.get_arguments().filter(|option| !option.is_positional());
        for option in options.filter(|option| !option.is_global_set() && option.get_id() != "help") {
            let is_required = option.is_required_set();
            usage.push(roman(if is_required {
                format!(" {option}")
            } else {
                format!(" [{option}]")
            }));
        }
        page.control("TP", []);
        page.text(usage);
        page.text([roman(
            command.get_about().map(ToString::to_string).unwrap_or_default(),
        )]);
    }
    page
}
