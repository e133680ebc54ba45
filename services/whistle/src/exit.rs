//! How the process ends: codes that scripts may rely on, and what is said when something did not work.

use std::fmt::Write as _;
use std::process::ExitCode;

use service_kit::shutdown::Drained;

use crate::lang::{Lang, Text};

/// Exit codes. They follow `sysexits.h` where it has one, and never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Done.
    Ok = 0,
    /// Done, and the answer is no: a finding, a refusal, nothing found.
    Finding = 1,
    /// The command line or the configuration is wrong (`EX_USAGE`).
    Usage = 64,
    /// The data given is wrong: a file, a field of a request (`EX_DATAERR`).
    BadData = 65,
    /// The server, or a directory in use, is not to be had now (`EX_UNAVAILABLE`).
    Unavailable = 69,
    /// Whistle itself failed (`EX_SOFTWARE`).
    Internal = 70,
    /// A file cannot be read or written (`EX_IOERR`).
    Io = 74,
    /// Somebody else was faster, or the server is busy: the same again may work (`EX_TEMPFAIL`).
    Again = 75,
    /// No token, a token nobody issued, or not the right (`EX_NOPERM`).
    Denied = 77,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command did not work, and what to do next.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    /// How the process ends.
    pub exit: Exit,
    /// A stable code, such as `CASE_NOT_FOUND`.
    pub reason: String,
    /// What is wrong.
    pub sentence: Text,
    /// What to do next.
    pub next: Text,
    /// Further facts, one a line: fields, findings, statuses that are allowed.
    pub details: Vec<String>,
}

impl Failure {
    /// A failure with a sentence in both languages and what to do.
    pub(crate) fn new(exit: Exit, reason: &str, sentence: Text, next: Text) -> Self {
        Self { exit, reason: reason.to_owned(), sentence, next, details: Vec::new() }
    }

    /// The same with facts.
    pub(crate) fn with(mut self, details: impl IntoIterator<Item = String>) -> Self {
        self.details.extend(details);
        self
    }

    /// A file or directory that cannot be used.
    pub(crate) fn io(path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::new(
            Exit::Io,
            "IO",
            Text::new("无法读写文件或目录", "a file or directory cannot be read or written"),
            Text::new("检查路径、权限与磁盘空间", "check the path, the permissions and the space left"),
        )
        .with([format!("{}: {error}", path.display())])
    }

    /// Something that should not happen, with what is known of it.
    pub(crate) fn internal(what: impl std::fmt::Display) -> Self {
        Self::new(
            Exit::Internal,
            "INTERNAL",
            Text::new("程序内部错误", "something in Whistle failed"),
            Text::new("保留日志并报告问题", "keep the log and report it"),
        )
        .with([what.to_string()])
    }

    /// A failure unless everything ended in order.
    ///
    /// # Errors
    /// When something was stuck, had panicked or could not go on.
    pub(crate) fn unless_clean(drained: &Drained) -> Result<(), Self> {
        if drained.is_clean() {
            Ok(())
        } else {
            Err(Self::internal(format!("not everything ended: {drained:?}")))
        }
    }

    /// What is printed on standard error.
    pub(crate) fn render(&self, lang: Lang) -> String {
        let mut text = format!("whistle: {}: {}", self.reason, self.sentence.get(lang));
        for detail in &self.details {
            // Writing into a text cannot fail.
            write!(text, "\n  {detail}").unwrap_or_default();
        }
        let next = self.next.get(lang);
        if !next.is_empty() {
            let label = Text::new("下一步", "next").get(lang).to_owned();
            write!(text, "\n{label}: {next}").unwrap_or_default();
        }
        text
    }
}
