//! Commands that call a server.

pub(crate) mod act;
pub(crate) mod cases;
pub(crate) mod clocks;
pub(crate) mod feed;
pub(crate) mod registry;
#[cfg(test)]
mod tests;
pub(crate) mod token;
pub(crate) mod vault_key;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use wire::pb::whistle::board::v1 as board;
use wire::pb::whistle::board::v1::board_service_client::BoardServiceClient;

use crate::client::Client;
use crate::exit::{Exit, Failure};
use crate::lang::{Lang, Text};

/// Rows asked for at once.
pub(crate) const PAGE: i32 = 200;

/// A case by its id or its display number.
///
/// # Errors
/// When there is none, or it is out of sight.
pub(crate) async fn find_case(
    client: &Client,
    named: &str,
    at_least: &str,
) -> Result<board::CaseView, Failure> {
    let is_id = uuid::Uuid::try_parse(named).is_ok();
    let (case_id, case_number) =
        if is_id { (named.to_owned(), String::new()) } else { (String::new(), named.to_owned()) };
    let request = board::GetCaseRequest { case_id, case_number, at_least: at_least.to_owned() };
    let answer = BoardServiceClient::new(client.channel()).get_case(client.call(request)).await?;
    answer.into_inner().case.ok_or_else(|| Failure::internal("the board answered without a case"))
}

/// The id of a case given by id or number.
///
/// # Errors
/// As [`find_case`].
pub(crate) async fn case_id(client: &Client, named: &str) -> Result<String, Failure> {
    if uuid::Uuid::try_parse(named).is_ok() {
        return Ok(named.to_owned());
    }
    let case = find_case(client, named, "").await?;
    Ok(case.summary.unwrap_or_default().case_id)
}

/// An instant for people: local time of this machine, to the minute, with its offset, since sentences tell the district's time.
pub(crate) fn local(seconds: Option<i64>) -> String {
    in_zone(seconds, TimeZone::system())
}

fn in_zone(seconds: Option<i64>, zone: TimeZone) -> String {
    let at = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
    at.map(|at| at.to_zoned(zone).strftime("%Y-%m-%d %H:%M %:z").to_string()).unwrap_or_default()
}

/// A name in the language asked for.
pub(crate) fn name(named: Option<&board::Named>, lang: Lang) -> String {
    named.map(|named| lang.pick(&named.name, &named.name_en).to_owned()).unwrap_or_default()
}

/// The name of a wire enum's value without its prefix.
pub(crate) fn short(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).to_owned()
}

/// The number of a wire enum's value by its short name.
///
/// # Errors
/// When there is none of that name.
pub(crate) fn value(
    what: &str,
    prefix: &str,
    short: &str,
    from_name: impl Fn(&str) -> Option<i32>,
) -> Result<i32, Failure> {
    let name = format!("{prefix}{}", short.to_uppercase().replace('-', "_"));
    from_name(&name).ok_or_else(|| {
        Failure::new(
            Exit::Usage,
            "UNKNOWN_NAME",
            Text::new("没有这个名称", "there is no such name"),
            Text::new("看 --help 里的名称", "see --help for the names"),
        )
        .with([format!("{what}: {short}")])
    })
}
