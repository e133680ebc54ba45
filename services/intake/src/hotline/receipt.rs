//! What a source is answered.

use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use wire::pb::whistle::case::v1::CommandReceipt;
use wire::pb::whistle::intake::v1::{ReceiptResult, TicketReceipt};

/// Why a message was refused: for the source to mend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    Undecodable,
    TooLarge,
    ContentTypeUnknown,
    TicketNumberInvalid,
    RevisionReused,
    NotSupportedYet,
    EmptyMessage,
    HelloNotFirst,
    Erased,
}

impl Reason {
    /// The stable name, and what people are told.
    fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Undecodable => (
                "UNDECODABLE",
                "消息或工单内容无法解析(文字应为UTF-8),请检查后重新推送。",
                "The message does not decode (its texts must be UTF-8), or the body does not read as its content type says: correct it and push it again.",
            ),
            Self::TooLarge => (
                "TOO_LARGE",
                "工单内容超过65536字节,请缩减后重新推送。",
                "The body has more than 65,536 bytes: shorten it and push it again.",
            ),
            Self::ContentTypeUnknown => (
                "CONTENT_TYPE_UNKNOWN",
                "内容类型应为 application/json 或 application/x-protobuf。",
                "The content type must be application/json or application/x-protobuf.",
            ),
            Self::TicketNumberInvalid => (
                "TICKET_NUMBER_INVALID",
                "工单编号应为1至64字节的可见字符。",
                "A ticket's number has 1 to 64 bytes and no control characters.",
            ),
            Self::RevisionReused => (
                "REVISION_REUSED",
                "该版本已收到且内容不同,请以更高的版本号推送。",
                "This revision is there with another body: push it under a higher revision.",
            ),
            Self::NotSupportedYet => (
                "NOT_SUPPORTED_YET",
                "暂不支持该类消息。",
                "This kind of message has its place and is not supported yet.",
            ),
            Self::EmptyMessage => (
                "EMPTY_MESSAGE",
                "消息为空或种类未知,请检查接口版本。",
                "The message says nothing this server knows: check the version of the protos.",
            ),
            Self::HelloNotFirst => (
                "HELLO_NOT_FIRST",
                "hello 只能作为第一条消息。",
                "Hello comes first, or not at all: open another stream to go on elsewhere.",
            ),
            Self::Erased => (
                "ERASED",
                "该来电人的个人信息已按要求删除,不再收录其后续内容。",
                "The caller's personal data was erased: nothing more of theirs is kept.",
            ),
        }
    }
}

/// What every receipt says: which message it answers.
pub(super) struct Frame {
    pub seq: u64,
    pub ticket_number: String,
    pub revision: u32,
}

impl Frame {
    /// For a message that is about no ticket we take.
    pub(super) fn other(seq: u64, ticket_number: String) -> Self {
        Self { seq, ticket_number, revision: 0 }
    }

    fn receipt(self, result: ReceiptResult) -> TicketReceipt {
        TicketReceipt {
            seq: self.seq,
            ticket_number: self.ticket_number,
            revision: self.revision,
            result: result.into(),
            ..TicketReceipt::default()
        }
    }

    pub(super) fn taken(self, result: ReceiptResult, command: CommandReceipt) -> TicketReceipt {
        TicketReceipt {
            case_id: command.case_id,
            case_number: command.case_number,
            defects: command.defects,
            status: command.status,
            position_token: command.position_token,
            ..self.receipt(result)
        }
    }

    pub(super) fn refused(self, reason: Reason) -> TicketReceipt {
        let (name, zh, en) = reason.words();
        TicketReceipt {
            reason: name.to_owned(),
            message_zh: zh.to_owned(),
            message_en: en.to_owned(),
            ..self.receipt(ReceiptResult::Refused)
        }
    }

    /// What failed on our side is to be sent again; what the domain refused is not.
    pub(super) fn failed(self, status: &Status) -> TicketReceipt {
        let ours = matches!(
            status.code(),
            Code::Unavailable | Code::ResourceExhausted | Code::Aborted | Code::Internal | Code::DataLoss
        );
        let result = if ours { ReceiptResult::TryAgain } else { ReceiptResult::Refused };
        let reason = status.get_error_details().error_info().map(|info| info.reason.clone());
        let reason = reason.unwrap_or_default();
        let words = wire::text(&reason);
        TicketReceipt {
            message_zh: words.map(|words| words.zh.to_owned()).unwrap_or_default(),
            message_en: words.map_or_else(|| status.message().to_owned(), |words| words.en.to_owned()),
            reason,
            ..self.receipt(result)
        }
    }
}
