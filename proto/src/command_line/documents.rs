//! The manual page and the completion scripts, generated from the command definition.

use std::io;

use clap::{Arg, ArgAction, Command, ValueEnum, ValueHint};
pub use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

/// Returns a completion script for `shell`. Files are completed only where a path is meant: as values of options, and
/// after one of the commands `files`.
#[must_use]
pub fn completions(command: Command, shell: Shell, files: &[&str]) -> Vec<u8> {
    let (mut command, mut script) = (without_files(command), Vec::new());
    let name = command.get_name().to_owned();
    clap_complete::generate(shell, &mut command, &name, &mut script);
    match shell {
        Shell::Bash => with_bash_files(&String::from_utf8_lossy(&script), &name, files),
        Shell::Fish => with_fish_values(&String::from_utf8_lossy(&script), &name, files),
        _ => script,
    }
}

/// Completes files and folders in bash only where they are meant, and a value after `--option=`, which bash takes for
/// three words. Completes nothing in a URL or an address, which it takes for several, or after a flag and `=`.
fn with_bash_files(script: &str, name: &str, files: &[&str]) -> Vec<u8> {
    const REGISTRATION: &str = "\nif [[ \"${BASH_VERSINFO[0]}\" -eq 4 ";
    const COMPLETE: &str = r#"
_PROGRAM_words() {
    local cur="$2" prev="$3" word values at=$COMP_CWORD
    [[ "${COMP_WORDS[at]}" == [=:] ]] || at=$((at - 1))
    case "${COMP_WORDS[at]}" in
    :) return ;;
    =)
        GENERATED "$1" "$cur" ""
        values="${COMPREPLY[*]}"
        GENERATED "$1" "$cur" "${COMP_WORDS[at-1]}"
        # After a flag, it is what may follow any word.
        [[ "${COMPREPLY[*]}" == "$values" ]] && COMPREPLY=()
        return
        ;;
    esac
    GENERATED "$1" "$cur" "$prev"
    [[ "$cur" == -* || "$prev" == -* ]] && return
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        if [[ " FILES " == *" $word "* ]]; then
            compopt -o filenames 2>/dev/null
            mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        fi
    done
}

complete -F _PROGRAM_words PROGRAM
"#;
    let generated = script.split(REGISTRATION).next().unwrap_or_default();
    // In the labels of nested commands, `clap_complete` takes a hyphen in the program's name for the end of a command.
    let [label, command] = ["__subcmd__", "__"].map(|hyphen| name.replace('-', hyphen) + "__");
    let generated = generated.replace(&label, &command);
    let paths = |kind| {
        format!("compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen {kind} -- \"${{cur}}\")")
    };
    let generated = generated
        .replace("compopt -o plusdirs", &paths("-d"))
        .replace("COMPREPLY=($(compgen -f \"${cur}\"))", &paths("-f"));
    // Not `_PROGRAM`, if that has a hyphen.
    let function = script.split("()").next().unwrap_or_default().trim();
    let complete = COMPLETE
        .replace("GENERATED", function)
        .replace("PROGRAM", name)
        .replace("FILES", &files.join(" "));
    [generated, complete].concat().into_bytes()
}

/// Adds what `clap_complete` omits for fish: the values of an option before the command, and the shells. Completes files
/// only after one of the commands `files`, or as values of options that are paths.
fn with_fish_values(script: &str, name: &str, files: &[&str]) -> Vec<u8> {
    let mut completed = String::new();
    for line in script.lines() {
        completed.extend([line, "\n"]);
        if let Some(parse) = line.trim_start().strip_prefix("argparse -s ")
            && let Some((specs, _)) = parse.split_once(" -- $cmd ")
        {
            completed.push_str(&format!("    or argparse -s {specs} -- $cmd value 2>/dev/null\n"));
        }
    }
    let function = name.replace('-', "_");
    let shells = Shell::value_variants().iter().map(ToString::to_string);
    let shells = shells.collect::<Vec<_>>().join(" ");
    let command = format!("__fish_{function}_using_subcommand completions");
    completed.push_str(&format!("complete -c {name} -n '{command}' -a '{shells}'\n"));
    completed.push_str(&match files {
        [] => format!("complete -c {name} -f\n"),
        files => {
            let files = files.join(" ");
            format!("complete -c {name} -n 'not __fish_{function}_using_subcommand {files}' -f\n")
        }
    });
    completed.into_bytes()
}

fn without_files(command: Command) -> Command {
    let is_text = |option: &Arg| {
        let is_unknown = option.get_value_hint() == ValueHint::Unknown;
        is_unknown && option.get_action().takes_values() && option.get_possible_values().is_empty()
    };
    let hinted = command.mut_args(without_flag_value);
    // zsh ends the name of a value at a colon.
    let hinted = hinted.mut_args(|option| match option.get_value_names() {
        Some([name]) if name.contains(':') => option.value_name("ADDRESS"),
        _ => option,
    });
    let hinted = hinted.mut_args(|option| match is_text(&option) {
        true => option.value_hint(ValueHint::Other),
        false => option,
    });
    hinted.mut_subcommands(without_files)
}

/// Returns a boolean option as a flag, so that shells complete no value after it: one needs `=`, as in `--plain=false`.
fn without_flag_value(option: Arg) -> Arg {
    match option.is_require_equals_set() {
        true => option
            .require_equals(false)
            .hide_possible_values(false)
            .allow_negative_numbers(false)
            .num_args(0)
            .action(ArgAction::SetTrue),
        false => option,
    }
}

/// Returns the manual page in roff. All commands are on one page, one line each; `without` describes the program without
/// a command.
#[must_use]
pub fn manual(command: Command, without: &str) -> Vec<u8> {
    let mut page = Vec::new();
    // Writing to memory cannot fail.
    let _ = write(command, without, &mut page);
    page
}

fn write(command: Command, without: &str, out: &mut dyn io::Write) -> io::Result<()> {
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let man = Man::new(command.clone());
    man.render_title(out)?;
    man.render_name_section(out)?;
    man.render_synopsis_section(out)?;
    man.render_description_section(out)?;
    commands(&command, without).to_writer(out)?;
    man.render_options_section(out)?;
    man.render_version_section(out)
}

fn commands(command: &Command, without: &str) -> Roff {
    let mut page = Roff::new();
    page.control("SH", ["COMMANDS"]);
    page.text([roman(without)]);
    list(command, "", &mut page);
    page
}

/// Lists the commands below `parent`, whose words are `path`, and those below them.
fn list(parent: &Command, path: &str, page: &mut Roff) {
    let is_listed = |command: &&Command| !command.is_hide_set() && command.get_name() != "help";
    for command in parent.get_subcommands().filter(is_listed) {
        let words = format!("{path}{}", command.get_name());
        let mut usage = vec![bold(words.as_str())];
        for operand in command.get_positionals() {
            usage.push(roman(format!(" {operand}")));
        }
        let of_parent = |option: &Arg| {
            option.is_global_set()
                && parent
                    .get_arguments()
                    .any(|known| known.get_id() == option.get_id())
        };
        let options = command.get_arguments().filter(|option| !option.is_positional());
        for option in options.filter(|option| !of_parent(option) && option.get_id() != "help") {
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
        list(command, &format!("{words} "), page);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fish_and_zsh_complete_values_and_no_files() {
        let address = Arg::new("listen").long("listen").value_name("HOST:PORT");
        let command = Command::new("some-server")
            .arg(address)
            .subcommand(Command::new("check"));
        let script = |shell, files| String::from_utf8(completions(command.clone(), shell, files)).unwrap();
        // The value of an option may be missing yet.
        let parse = "or argparse -s (__fish_some_server_global_optspecs) -- $cmd value 2>/dev/null\n";
        let fish = script(Shell::Fish, &[]);
        assert!(
            fish.contains(parse) && fish.ends_with("\ncomplete -c some-server -f\n"),
            "{fish}"
        );
        let expected = "complete -c some-server -n 'not __fish_some_server_using_subcommand check' -f\n";
        assert!(script(Shell::Fish, &["check"]).ends_with(expected));
        let zsh = script(Shell::Zsh, &[]);
        assert!(!zsh.contains("HOST:PORT"), "{zsh}");
    }

    #[test]
    fn bash_completes_all_commands_of_a_program_with_a_hyphen() {
        let length = Arg::new("length").long("length");
        let round = Command::new("round").subcommand(Command::new("re-start").arg(length));
        let command = Command::new("some-server")
            .arg(Arg::new("stall").long("stall"))
            .subcommand(Command::new("accept-loss").arg(Arg::new("force").long("force")))
            .subcommand(round);
        let script = String::from_utf8(completions(command, Shell::Bash, &[])).unwrap();
        for (line, expected) in [
            ("--st", "--stall"),
            ("accept-loss --f", "--force"),
            ("round re", "re-start"),
            ("round re-start --l", "--length"),
            ("help round re", "re-start"),
        ] {
            let words = format!("some-server {line}");
            let call = format!(
                "COMP_WORDS=({words}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n\
                 _some-server_words some-server \"${{COMP_WORDS[-1]}}\" \"${{COMP_WORDS[-2]}}\"\n\
                 echo \"${{COMPREPLY[*]}}\""
            );
            let output = std::process::Command::new("bash")
                .args(["-c", &format!("{script}\n{call}")])
                .output()
                .unwrap();
            let [completed, errors] =
                [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
            assert_eq!(completed.trim_end(), expected, "{words}: {errors}");
        }
    }
}
