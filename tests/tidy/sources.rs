//! Rules on the text of single files.

use crate::tree::Source;

const LINES_WANTED: usize = 400;
const LINES_MAX: usize = 500;

/// Folders of one machine, and hosts that only a package client should know.
const MACHINE_MARKS: [&str; 8] = [
    "/home/",
    "/Users/",
    "/root/",
    "/work/",
    ".cargo/registry",
    "static.crates",
    "pypi.org",
    "pythonhosted.org",
];

/// `//!` on the first line.
pub(crate) fn header_faults(source: &Source) -> Vec<String> {
    if source.text.starts_with("//!") {
        Vec::new()
    } else {
        vec![format!("{}: must open with //!", source.path)]
    }
}

/// Length of files against the list of exceptions. Files between wanted and hard length are only printed.
pub(crate) fn length_faults(sources: &[Source], exceptions: &[(&str, usize, &str)]) -> Vec<String> {
    let mut faults = Vec::new();
    for source in sources {
        let lines = source.text.lines().count();
        let exception = exceptions.iter().find(|(path, _, _)| *path == source.path);
        match exception {
            Some((path, _, _)) if lines <= LINES_MAX => {
                faults.push(format!("{path}: is short enough now, take it off LONG_FILES"));
            }
            Some((path, listed, _)) if lines > *listed => {
                faults.push(format!("{path}: {lines} lines, LONG_FILES allows {listed}"));
            }
            None if lines > LINES_MAX => {
                faults.push(format!("{}: {lines} lines, at most {LINES_MAX}", source.path));
            }
            None if lines > LINES_WANTED => {
                eprintln!("{}: {lines} lines, wanted {LINES_WANTED}", source.path)
            }
            Some(_) | None => {}
        }
    }
    let gone = exceptions.iter().filter(|(path, _, _)| !sources.iter().any(|source| source.path == *path));
    faults.extend(gone.map(|(path, _, _)| format!("{path}: is gone, take it off LONG_FILES")));
    faults
}

fn faulty_lines(source: &Source, what: &str, is_faulty: impl Fn(&str) -> bool) -> Vec<String> {
    let numbered = source.text.lines().enumerate().filter(|(_, line)| is_faulty(line));
    numbered.map(|(index, line)| format!("{}:{}: {what}: {}", source.path, index + 1, line.trim())).collect()
}

/// Reminders carry the number of an issue, as in `FIXME #12`.
pub(crate) fn unfinished_faults(source: &Source) -> Vec<String> {
    let has_issue =
        |rest: &str| rest.split('#').skip(1).any(|after| after.starts_with(|c: char| c.is_ascii_digit()));
    faulty_lines(source, "no issue number", |line| {
        ["TODO", "FIXME", "XXX:", "todo!"]
            .iter()
            .any(|mark| line.split_once(mark).is_some_and(|(_, rest)| !has_issue(rest)))
    })
}

/// Nothing in the tree depends on the machine it was written on.
pub(crate) fn machine_faults(source: &Source) -> Vec<String> {
    faulty_lines(source, "a path or host of one machine", |line| {
        MACHINE_MARKS.iter().any(|mark| line.contains(mark))
    })
}

/// Every package of the lock file comes from the public index.
pub(crate) fn lock_faults(source: &Source) -> Vec<String> {
    faulty_lines(source, "not the public index", |line| {
        line.starts_with("source =")
            && !line.contains("\"registry+https://github.com/rust-lang/crates.io-index\"")
    })
}

/// In a `config.default.toml` every key stands under a comment of its own.
pub(crate) fn setting_faults(source: &Source) -> Vec<String> {
    let mut faults = Vec::new();
    let mut above = "";
    for (index, line) in source.text.lines().enumerate() {
        let key = line.split_once('=').map(|(key, _)| key.trim());
        let is_key = key
            .is_some_and(|key| !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'));
        if is_key && !above.starts_with('#') {
            faults.push(format!("{}:{}: no comment above: {line}", source.path, index + 1));
        }
        above = line;
    }
    faults
}

/// What is counted stands among the families that an operator can read about.
pub(crate) fn metric_faults(source: &Source, families: &str) -> Vec<String> {
    let begins = ["counter!(\"whistle_", "gauge!(\"whistle_", "histogram!(\"whistle_", "of(\"whistle_"];
    let name = |line: &str| {
        begins.iter().find_map(|begin| Some(line.split_once(begin)?.1.split_once('"')?.0.to_owned()))
    };
    faulty_lines(source, "counted and not described in families.rs", |line| {
        name(line).is_some_and(|name| !families.contains(&format!("\"whistle_{name}\"")))
    })
}
