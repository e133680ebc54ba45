//! Rules on the interface files: what clients generate from and can never be renamed.

use crate::tree::Source;

/// What one line of a proto file opens.
fn opened<'a>(line: &'a str, keyword: &str) -> Option<&'a str> {
    let rest = line.trim().strip_prefix(keyword)?.strip_prefix(' ')?;
    rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next()
}

/// All faults of one file.
pub(crate) fn faults(source: &Source) -> Vec<String> {
    let lines: Vec<&str> = source.text.lines().collect();
    let mut faults = package_faults(source);
    for (index, line) in lines.iter().enumerate() {
        let mut fault = |what: String| faults.push(format!("{}:{}: {what}", source.path, index + 1));
        for keyword in ["message", "service", "rpc", "enum"] {
            let commented = index.checked_sub(1).and_then(|above| lines.get(above));
            let commented = commented.is_some_and(|above| above.trim().starts_with("//"));
            if let Some(name) = opened(line, keyword).filter(|_| !commented) {
                fault(format!("{keyword} {name} has no comment"));
            }
        }
        if let Some(name) = opened(line, "service").filter(|name| !name.ends_with("Service")) {
            fault(format!("service {name} must end in Service"));
        }
        if let Some(name) = opened(line, "enum")
            && !zero_is_unspecified(&lines[index + 1..])
        {
            fault(format!("enum {name}: the first value must be …_UNSPECIFIED = 0"));
        }
        if let Some(name) = opened(line, "rpc") {
            let statement: String = lines[index..].join(" ");
            let statement = statement.split([';', '{']).next().unwrap_or_default();
            if let Some(what) = rpc_fault(name, statement) {
                fault(what);
            }
        }
    }
    faults
}

fn package_faults(source: &Source) -> Vec<String> {
    let folder = source.path.strip_prefix("proto/").and_then(|path| path.rsplit_once('/'));
    let expected = format!("package {};", folder.unwrap_or_default().0.replace('/', "."));
    // Files of others under google/ keep the packages they have.
    if source.text.lines().any(|line| line.trim() == expected) || expected.starts_with("package google.") {
        return Vec::new();
    }
    vec![format!("{}: must say `{expected}`", source.path)]
}

fn zero_is_unspecified(body: &[&str]) -> bool {
    let first = body.iter().map(|line| line.trim()).find(|line| {
        !line.is_empty()
            && !line.starts_with("//")
            && !line.starts_with("option")
            && !line.starts_with("reserved")
    });
    first.is_some_and(|line| {
        let value = line.split(['[', ';']).next().unwrap_or_default();
        value
            .split_once('=')
            .is_some_and(|(name, number)| name.trim_end().ends_with("_UNSPECIFIED") && number.trim() == "0")
    })
}

/// Request and response are the call's own; what is streamed may be named for what flows.
fn rpc_fault(name: &str, statement: &str) -> Option<String> {
    let sides: Vec<&str> = statement.split('(').skip(1).filter_map(|rest| rest.split(')').next()).collect();
    let [request, response] = sides.as_slice() else {
        return Some(format!("rpc {name}: cannot be read"));
    };
    let fits = |side: &str, own: String| side.trim().starts_with("stream ") || side.trim() == own;
    if fits(request, format!("{name}Request")) && fits(response, format!("{name}Response")) {
        return None;
    }
    Some(format!("rpc {name} must take {name}Request and return {name}Response"))
}
