//! Completion scripts in real shells.

use std::process::Command;

/// Asserts that the bash script `script` completes each command of `program`, and its options.
pub(crate) fn assert_bash_completes(script: &str, program: clap::Command) {
    let mut commands = vec![(program.get_name().to_owned(), program)];
    while let Some((line, command)) = commands.pop() {
        let options = command
            .get_arguments()
            .filter(|option| !option.is_hide_set())
            .filter_map(|option| Some(format!("--{}", option.get_long()?)));
        assert_offers(
            script,
            &format!("{line} --"),
            options.chain(["--help".to_owned()]),
        );
        let nested = command
            .get_subcommands()
            .map(|nested| nested.get_name().to_owned());
        assert_offers(script, &format!("{line} ''"), nested);
        let nested = command.get_subcommands();
        commands.extend(nested.map(|nested| (format!("{line} {}", nested.get_name()), nested.clone())));
    }
}

fn assert_offers(script: &str, line: &str, expected: impl Iterator<Item = String>) {
    let call = format!(
        "COMP_WORDS=({line}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n\
         read -ra spec < <(complete -p \"${{COMP_WORDS[0]}}\")\n\
         \"${{spec[2]}}\" \"${{COMP_WORDS[0]}}\" \"${{COMP_WORDS[-1]}}\" \"${{COMP_WORDS[-2]}}\"\n\
         printf '%s\\n' \"${{COMPREPLY[@]}}\""
    );
    let mut bash = Command::new("bash");
    let output = bash
        .args(["--norc", "-c", &format!("{script}\n{call}")])
        .output()
        .unwrap();
    let offered = String::from_utf8(output.stdout).unwrap();
    for word in expected {
        let is_offered = offered.lines().any(|offered| offered == word);
        assert!(is_offered, "`{line}` does not offer {word}: {offered}");
    }
}
