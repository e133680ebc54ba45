use clap::{Command, CommandFactory as _, Parser as _};

use super::Cli;

/// The command lines of a help text, without what a shell would do with their output.
fn examples(help: &str) -> Vec<Vec<String>> {
    let joined = help.replace("\\\n", " ");
    let lines = joined.lines().filter_map(|line| line.strip_prefix("  whistle "));
    lines.map(|line| words(&format!("whistle {}", line.split(['|', '>']).next().unwrap()))).collect()
}

/// Words as a shell sees them, where quotes stand around whole words.
fn words(line: &str) -> Vec<String> {
    let parts = line.split('\'').enumerate();
    let words = parts.flat_map(|(at, part)| match at % 2 {
        0 => part.split_whitespace().map(str::to_owned).collect(),
        _ => vec![part.to_owned()],
    });
    words.collect()
}

fn is_number(word: &str) -> bool {
    let groups: Vec<&str> = word.split('-').collect();
    groups.len() == 4 && groups[0].len() == 8 && groups[1].len() == 6
}

fn check(command: &Command, seen: &mut (usize, usize)) {
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    for example in examples(&help) {
        let parsed = Cli::try_parse_from(&example);
        assert!(parsed.is_ok(), "{example:?}: {}", parsed.unwrap_err());
        for number in example.iter().filter(|word| is_number(word)) {
            assert!(ledger::number::parse(number).is_ok(), "{number} is not well formed");
            seen.1 += 1;
        }
        seen.0 += 1;
    }
    for below in command.get_subcommands() {
        check(below, seen);
    }
}

#[test]
fn every_example_is_taken_and_its_case_numbers_are_well_formed() {
    let mut seen = (0, 0);
    check(&Cli::command(), &mut seen);
    assert!(seen.0 >= 25 && seen.1 >= 1, "{seen:?} were found");
}
