use std::collections::VecDeque;

use crate::process::{run, told};

/// The subcommands a help text lists.
fn listed(help: &str) -> Vec<String> {
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = commands.take_while(|line| !line.trim().is_empty()).filter(|line| !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn every_subcommand_shows_an_example() {
    let mut queue = VecDeque::from([Vec::<String>::new()]);
    let mut seen = 0;
    while let Some(path) = queue.pop_front() {
        let arguments: Vec<&str> = path.iter().map(String::as_str).chain(["--help"]).collect();
        let output = run(&arguments);
        let help = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{path:?}: {}", told(&output));
        assert!(help.contains("Example"), "{path:?} has no example:\n{help}");
        seen += 1;
        queue.extend(listed(&help).into_iter().map(|name| [path.clone(), vec![name]].concat()));
    }
    assert!(seen >= 20, "only {seen} commands were found");
}

#[test]
fn wrong_usage_ends_with_its_own_code() {
    for arguments in
        [&["nonsense"][..], &["case"], &["case", "list", "--limit", "0"], &["blow", "1"], &["verify"]]
    {
        assert_eq!(run(arguments).status.code(), Some(64), "{arguments:?}");
    }
    let unnamed = run(&["case", "list", "--status", "NO_SUCH"]);
    assert_eq!(unnamed.status.code(), Some(64), "{}", told(&unnamed));
}

#[test]
fn a_server_that_is_not_there_is_told_with_the_next_step() {
    // Port 1 of the loopback address is never listened on by an ordinary user.
    let output = run(&["case", "list", "--server", "http://127.0.0.1:1", "--lang", "en"]);
    assert_eq!(output.status.code(), Some(69));
    assert!(output.stdout.is_empty());
    let told = told(&output);
    assert!(told.contains("NOT_REACHED") && told.contains("next: "), "{told}");
}

#[test]
fn files_that_are_not_there_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let missing = dir.path().join("none.toml");
    let (data, missing) = (crate::process::text(&data), crate::process::text(&missing));
    let output = run(&["serve", "--data", data, "--principals", missing]);
    assert_eq!(output.status.code(), Some(74), "{}", told(&output));
    std::fs::write(missing, "").unwrap();
    let output = run(&["serve", "--data", data, "--principals", missing, "--listen", "127.0.0.1:0"]);
    assert_eq!(output.status.code(), Some(64), "{}", told(&output));
    assert!(told(&output).contains("NO_REGISTRY"));
}
