//! The commands a reader is told to type exist.

use std::path::Path;

use crate::tree::Source;

/// Faults of the fenced `sh` blocks of one page: paths that do not exist, subcommands the binary does not have.
/// `cli` is the text of the binary's sources.
pub(crate) fn faults(source: &Source, root: &Path, cli: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut inside = false;
    for (index, line) in source.text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            inside = !inside && line.trim() == "```sh";
        } else if inside && let Some(what) = fault_of_command(line, root, cli) {
            faults.push(format!("{}:{}: {what}", source.path, index + 1));
        }
    }
    faults
}

fn fault_of_command(line: &str, root: &Path, cli: &str) -> Option<String> {
    let line = line.trim().trim_start_matches("$ ");
    let words: Vec<&str> = line.split('#').next().unwrap_or_default().split_whitespace().collect();
    let first = *words.first()?;
    if first == "cargo" && words.get(1) == Some(&"run") {
        let arguments = words.iter().skip_while(|word| **word != "--").nth(1);
        return fault_of_subcommand(arguments?, cli);
    }
    if first == "whistle" || first.ends_with("/whistle") {
        return fault_of_subcommand(words.get(1)?, cli);
    }
    let is_path = first.contains('/') && !first.contains("://") && !first.contains('=');
    (is_path && !root.join(first).exists()).then(|| format!("{first} does not exist"))
}

/// A subcommand is a variant (`Demo`, `TaskList`) or a name given as text in the binary's sources.
fn fault_of_subcommand(name: &str, cli: &str) -> Option<String> {
    let capital = |part: &str| {
        part.chars().take(1).map(|c| c.to_ascii_uppercase()).chain(part.chars().skip(1)).collect()
    };
    let variant: String = name.split('-').map(capital).collect::<Vec<String>>().concat();
    let declared =
        [format!("{variant}("), format!("{variant} {{"), format!("{variant},"), format!("\"{name}\"")];
    let exists = name.starts_with('-') || declared.iter().any(|form| cli.contains(form));
    (!exists).then(|| format!("the binary has no subcommand {name}"))
}
