//! Settings from embedded defaults, a file, the environment and flags, in this order; all faults are told at once.
//!
//! The defaults name every key there is: a key they do not have is a fault wherever it comes from, and so is a value of
//! another kind than the default's.

#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::RangeInclusive;
use std::path::Path;

use serde::de::DeserializeOwned;
use toml::{Table, Value};

/// Beginning of the environment variables that are settings.
pub const ENV_PREFIX: &str = "WHISTLE_";
/// Between the parts of a key in the environment: `WHISTLE_SERVER__CONNECTIONS_MAX` is `server.connections_max`.
const ENV_SEPARATOR: &str = "__";

/// One thing that is wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The key or the source it came from.
    pub at: String,
    /// What is wrong, and what would be right.
    pub what: String,
}

impl Fault {
    /// A fault at a place.
    pub fn new(at: impl Into<String>, what: impl Into<String>) -> Self {
        Self { at: at.into(), what: what.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.what)
    }
}

/// Everything that is wrong, at least one thing. The process prints it and exits with code 64.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl Faults {
    /// Nothing wrong, or all of it.
    ///
    /// # Errors
    /// The faults, when there are any.
    pub fn check(faults: Vec<Fault>) -> Result<(), Self> {
        if faults.is_empty() { Ok(()) } else { Err(Self(faults)) }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            write!(f, "{end}{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// The faults of numbers outside their bounds, given as (key, value, bounds).
#[must_use]
pub fn outside(numbers: &[(&str, u64, RangeInclusive<u64>)]) -> Vec<Fault> {
    let wrong = numbers.iter().filter(|(_, value, bounds)| !bounds.contains(value));
    wrong
        .map(|(key, value, bounds)| {
            Fault::new(*key, format!("{value} is outside {} to {}", bounds.start(), bounds.end()))
        })
        .collect()
}

/// Reads the settings. Bounds are the caller's to check, with [`outside`] and [`Faults::check`].
///
/// `env` is the process's environment: names that do not begin with [`ENV_PREFIX`] are passed over, and the caller leaves out
/// those that do and are no settings. `overrides` are pairs of a dotted key and a value, as flags give them.
///
/// # Errors
/// All unknown keys, values of the wrong kind and unreadable sources.
pub fn load<T: DeserializeOwned>(
    defaults: &str,
    file: Option<&Path>,
    env: impl Iterator<Item = (String, String)>,
    overrides: &[(String, String)],
) -> Result<T, Faults> {
    let settings = merge(defaults, file, env, overrides)?;
    let one = |fault: toml::de::Error| Faults(vec![Fault::new("settings", fault.to_string())]);
    Value::Table(settings).try_into().map_err(one)
}

/// The settings as a table, for printing what is in force.
///
/// # Errors
/// As [`load`].
pub fn merge(
    defaults: &str,
    file: Option<&Path>,
    env: impl Iterator<Item = (String, String)>,
    overrides: &[(String, String)],
) -> Result<Table, Faults> {
    let mut settings: Table =
        defaults.parse().map_err(|fault| Faults(vec![Fault::new("defaults", format!("{fault}"))]))?;
    let mut faults = Vec::new();
    if let Some(path) = file {
        match read(path) {
            Ok(layer) => lay_over(&mut settings, layer, "", &path.display().to_string(), &mut faults),
            Err(fault) => faults.push(fault),
        }
    }
    let mut variables: Vec<_> = env.filter(|(name, _)| name.starts_with(ENV_PREFIX)).collect();
    variables.sort();
    for (name, text) in variables {
        let key = name.strip_prefix(ENV_PREFIX).unwrap_or_default().to_ascii_lowercase();
        faults.extend(put(&mut settings, &key.replace(ENV_SEPARATOR, "."), &text, &name));
    }
    for (key, text) in overrides {
        faults.extend(put(&mut settings, key, text, &format!("--{key}")));
    }
    Faults::check(faults)?;
    Ok(settings)
}

fn read(path: &Path) -> Result<Table, Fault> {
    let at = || path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|fault| Fault::new(at(), fault.to_string()))?;
    text.parse().map_err(|fault: toml::de::Error| Fault::new(at(), fault.to_string()))
}

fn lay_over(base: &mut Table, layer: Table, above: &str, source: &str, faults: &mut Vec<Fault>) {
    for (name, value) in layer {
        let key = if above.is_empty() { name.clone() } else { format!("{above}.{name}") };
        match (base.get_mut(&name), value) {
            (None, _) => faults.push(Fault::new(source, format!("{key} is not a setting"))),
            (Some(Value::Table(inner)), Value::Table(layer)) => lay_over(inner, layer, &key, source, faults),
            (Some(old), new) if old.same_type(&new) => *old = new,
            (Some(old), new) => {
                let what = format!("{key} takes {}, not {}", kind(old), kind(&new));
                faults.push(Fault::new(source, what));
            }
        }
    }
}

/// Puts one value given as text, read as the kind its default has.
fn put(settings: &mut Table, key: &str, text: &str, source: &str) -> Option<Fault> {
    let Some(old) = find(settings, key) else {
        return Some(Fault::new(source, format!("{key} is not a setting")));
    };
    let new = match old {
        Value::String(_) => Some(Value::String(text.to_owned())),
        Value::Table(_) => None,
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) | Value::Array(_) => {
            format!("value = {text}").parse::<Table>().ok().and_then(|mut table| table.remove("value"))
        }
    };
    match new.filter(|new| old.same_type(new)) {
        Some(new) => {
            *old = new;
            None
        }
        None => Some(Fault::new(source, format!("{key} takes {}", kind(old)))),
    }
}

fn find<'a>(settings: &'a mut Table, key: &str) -> Option<&'a mut Value> {
    match key.split_once('.') {
        None => settings.get_mut(key),
        Some((first, rest)) => match settings.get_mut(first) {
            Some(Value::Table(inner)) => find(inner, rest),
            Some(_) | None => None,
        },
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number with a decimal point",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    }
}
