//! Requests that wait for a decision.

use crate::event::parts::By;
use crate::ids::{ClockNo, KeyId, ObligationNo, RequestNo};
use crate::time::At;

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestKind {
    /// 退单
    Return(ObligationNo),
    /// 异议
    Objection(ObligationNo),
    /// 延期
    Extension(ClockNo, At),
    /// 挂账
    Suspension,
    /// 作废
    Void,
    /// 终止
    Termination,
    /// 强制结案
    ForceClose,
    /// 剔除
    Exclusion,
    /// 解密查看
    BreakGlass(KeyId),
    /// 删除个人信息
    Erasure(KeyId),
    /// 评价申诉
    RatingAppeal(ObligationNo),
    /// 吹哨申请
    Whistle(ObligationNo),
    /// 督办
    Supervision(Option<ObligationNo>, At),
}

/// A request, with its decision once there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its number.
    pub no: RequestNo,
    /// What is asked.
    pub kind: RequestKind,
    /// By whom; the same person never decides.
    pub by: By,
    /// When.
    pub asked_at: At,
    /// When it was decided or answered.
    pub decided_at: Option<At>,
    /// When the case ended before anybody decided.
    pub lapsed_at: Option<At>,
    /// Whether it was granted.
    pub granted: bool,
    /// Until when what was granted holds, where that is bounded.
    pub valid_until: Option<At>,
}

impl Request {
    /// Whether it still waits for a decision.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.decided_at.is_none() && self.lapsed_at.is_none()
    }
}
