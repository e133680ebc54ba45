//! Calling a server: connection, token, and what its refusals mean for the process.

mod wire;

use std::time::Duration;

use tonic::metadata::{Ascii, MetadataValue};
use tonic::{Code, Request, Status};
use tonic_types::{ErrorDetail, StatusExt as _};
use uuid::Uuid;

pub(crate) use self::wire::Wire;
use crate::exit::{Exit, Failure};
use crate::lang::Text;

/// How long one call may take; streams have no end.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// A server and a token for it.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    channel: Wire,
    bearer: Option<MetadataValue<Ascii>>,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// [`Failure`] when the address or token does not read, or nobody answers there.
    pub(crate) async fn connect(server: &str, token: Option<&str>) -> Result<Self, Failure> {
        Self::on(Wire::connect(server).await?, token)
    }

    /// The same over a connection there is.
    ///
    /// # Errors
    /// [`Failure`] when the token cannot be sent.
    pub(crate) fn on(channel: Wire, token: Option<&str>) -> Result<Self, Failure> {
        let bearer = token.map(|token| format!("Bearer {token}").parse()).transpose();
        let bearer = bearer.map_err(|_not_ascii| {
            Failure::new(
                Exit::Usage,
                "BAD_TOKEN",
                Text::new("令牌里有不能发送的字符", "the token has characters that cannot be sent"),
                Text::new("检查 --token 或 WHISTLE_TOKEN", "check --token or WHISTLE_TOKEN"),
            )
        })?;
        Ok(Self { channel, bearer })
    }

    /// The connection, for a generated client.
    pub(crate) fn channel(&self) -> Wire {
        self.channel.clone()
    }

    /// A call with the token and a deadline.
    pub(crate) fn call<T>(&self, body: T) -> Request<T> {
        let mut request = self.stream(body);
        request.set_timeout(CALL_TIMEOUT);
        request
    }

    /// A call with the token that goes on for as long as it likes.
    pub(crate) fn stream<T>(&self, body: T) -> Request<T> {
        let mut request = Request::new(body);
        if let Some(bearer) = &self.bearer {
            request.metadata_mut().insert("authorization", bearer.clone());
        }
        request
    }
}

/// A new id for one intent. It begins with the time, as the ids of what it makes do then.
#[expect(clippy::disallowed_methods, reason = "here commands begin")]
pub(crate) fn new_command_id() -> String {
    Uuid::now_v7().to_string()
}

/// The command id given, or a new one.
pub(crate) fn command_id(given: Option<Uuid>) -> String {
    given.map_or_else(new_command_id, |id| id.to_string())
}

/// Whether the same again may be answered: the server is away, busy or overtaken, or the connection broke. With the same command
/// id asking again is harmless.
pub(crate) fn is_passing(status: &Status) -> bool {
    let code = matches!(
        status.code(),
        Code::Unavailable
            | Code::ResourceExhausted
            | Code::Aborted
            | Code::DeadlineExceeded
            | Code::Cancelled
    );
    // What a server says comes without a source; a connection that broke has one.
    code || std::error::Error::source(status).is_some()
}

/// The stable reason of a status, where it has one.
pub(crate) fn reason(status: &Status) -> Option<String> {
    status.get_details_error_info().map(|info| info.reason)
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        let (mut zh, mut en, mut facts) = (String::new(), String::new(), Vec::new());
        for detail in status.get_error_details_vec() {
            if let ErrorDetail::LocalizedMessage(text) = detail {
                *(if text.locale.starts_with("zh") { &mut zh } else { &mut en }) = text.message;
            } else if let ErrorDetail::BadRequest(bad) = detail {
                let fact =
                    |v: tonic_types::FieldViolation| format!("{}: {} ({})", v.field, v.description, v.reason);
                facts.extend(bad.field_violations.into_iter().map(fact));
            } else if let ErrorDetail::PreconditionFailure(failed) = detail {
                let fact =
                    |v: tonic_types::PreconditionViolation| format!("{}: {}", v.subject, v.description);
                facts.extend(failed.violations.into_iter().map(fact));
            } else if let ErrorDetail::ErrorInfo(info) = detail {
                let mut metadata: Vec<_> = info.metadata.into_iter().collect();
                metadata.sort();
                facts.extend(metadata.into_iter().map(|(name, value)| format!("{name} = {value}")));
            }
        }
        if en.is_empty() {
            status.message().clone_into(&mut en);
        }
        let named = reason(&status).unwrap_or_else(|| format!("{:?}", status.code()).to_uppercase());
        let (exit, mut next) = meaning(status.code());
        if named == wire::NOT_REACHED {
            next = Text::new(
                "启动该角色,或在 --server 里改正它的地址",
                "start that role, or mend its address in --server",
            );
        }
        Self::new(exit, &named, Text::new(zh, en), next).with(facts)
    }
}

/// How a code ends the process, and what its caller does.
fn meaning(code: Code) -> (Exit, Text) {
    match code {
        Code::InvalidArgument => {
            (Exit::BadData, Text::new("按所列字段修改后重发", "mend the fields named and send again"))
        }
        Code::NotFound => (
            Exit::Finding,
            Text::new(
                "核对编号;不在权限范围内的案件同样显示为不存在",
                "check the id; what is out of sight looks the same",
            ),
        ),
        Code::FailedPrecondition => (
            Exit::Finding,
            Text::new(
                "用 whistle case show 看现在允许什么",
                "see with whistle case show what is allowed now",
            ),
        ),
        Code::PermissionDenied => {
            (Exit::Denied, Text::new("请管理员授予相应角色", "ask the administrator for the role"))
        }
        Code::Unauthenticated => (
            Exit::Denied,
            Text::new(
                "用 --token 或 WHISTLE_TOKEN 给出有效令牌",
                "give a token that was issued, by --token or WHISTLE_TOKEN",
            ),
        ),
        Code::Aborted => (Exit::Again, Text::new("重新读取后再试", "read again and retry")),
        Code::ResourceExhausted => {
            (Exit::Again, Text::new("稍后再试,或减少内容", "come again later, or send less"))
        }
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled => (
            Exit::Unavailable,
            Text::new(
                "稍后再试;办理类命令用同一个 --command-id,不会重复办理",
                "try again; where it was a command, with the same --command-id, and nothing happens twice",
            ),
        ),
        Code::AlreadyExists => (
            Exit::Finding,
            Text::new(
                "换一个 --command-id,或查自己的程序",
                "use another --command-id, or look at your own code",
            ),
        ),
        Code::OutOfRange => {
            (Exit::Finding, Text::new("令牌不可续读,从头订阅", "the token cannot be resumed; begin anew"))
        }
        Code::Ok | Code::Unknown | Code::Unimplemented | Code::Internal | Code::DataLoss => (
            Exit::Internal,
            Text::new("请运维查看服务器日志", "ask the operator to look at the server's log"),
        ),
    }
}
