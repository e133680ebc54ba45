//! What people are told, by reason: what is the matter, and what to do next.

/// The words for one reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text {
    /// Chinese.
    pub zh: &'static str,
    /// English.
    pub en: &'static str,
}

/// The words for a reason; none for one that is not ours.
#[must_use]
pub fn text(reason: &str) -> Option<Text> {
    let found = REASONS.iter().find(|(known, _, _)| *known == reason);
    found.map(|(_, zh, en)| Text { zh, en })
}

/// Every reason there is, in Chinese and English. The first is stable and public, the words may change.
pub const REASONS: &[(&str, &str, &str)] = &[
    // The request
    (
        "INVALID_REQUEST",
        "请求有误,请按所列各项改正后重新提交。",
        "The request is wrong: correct every listed field and send it again.",
    ),
    (
        "UNDECODABLE",
        "请求无法解析,请检查客户端使用的接口定义和文字编码(UTF-8)。",
        "The request does not decode: check the client's protos, and that its texts are UTF-8.",
    ),
    (
        "TOO_LARGE",
        "内容超过上限,请缩短文字或分次提交。",
        "This is larger than the limit: shorten it or send it in parts.",
    ),
    (
        "POSITION_MALFORMED",
        "位置标记无效,请使用系统返回的标记,或从头开始读取。",
        "Nobody issued this position token: use one from an answer, or begin anew.",
    ),
    (
        "POSITION_OUT_OF_RANGE",
        "位置标记不在可读范围内,请从所给的最早位置重新开始。",
        "The position is outside what can be read: begin again from the oldest position given.",
    ),
    // The caller
    (
        "TOKEN_MISSING",
        "没有提供访问令牌,请在请求元数据中加入 authorization: Bearer 令牌。",
        "No token was sent: add the metadata authorization: Bearer TOKEN.",
    ),
    (
        "TOKEN_MALFORMED",
        "访问令牌格式不对,请只发送一个 Bearer 令牌。",
        "The token does not read: send exactly one Bearer token.",
    ),
    (
        "TOKEN_UNKNOWN",
        "访问令牌无效或已停用,请联系管理员重新申请。",
        "The token was never issued or was taken back: ask your administrator for a new one.",
    ),
    (
        "ROLE_MISSING",
        "您的角色没有此项权限,请由所列角色办理或联系管理员。",
        "None of your roles may do this: leave it to one of the roles listed, or ask your administrator.",
    ),
    (
        "CASE_NOT_FOUND",
        "没有这个案件,或不在您的查看范围内,请核对案件编号。",
        "There is no such case, or it is outside your sight: check the case id.",
    ),
    (
        "EVIDENCE_NOT_FOUND",
        "没有这份材料,或尚未上传,请核对后重新上传。",
        "There is no such evidence, or it was never put: check the hash, or put it first.",
    ),
    // The attempt
    (
        "COMMAND_ID_REUSED",
        "该命令编号已用于另一内容,请为新的操作使用新的命令编号。",
        "This command id was used with another body: make a new id for a new intent.",
    ),
    (
        "VERSION_CONFLICT",
        "案件正被他人同时办理,请刷新后重试。",
        "Others are changing this case at the same time: read it again and retry.",
    ),
    (
        "STALE_VERSION",
        "案件已有新的变化,请刷新后确认再提交。",
        "The case has changed since you read it: read it again and retry with the version it has now.",
    ),
    (
        "BUSY",
        "系统繁忙,请稍候片刻后用同一命令编号重试。",
        "The system is busy: wait a moment and retry with the same command id.",
    ),
    (
        "UNAVAILABLE",
        "服务暂时不可用,请稍后再试;命令用同一命令编号重发,不会重复办理。",
        "The service is away for the moment: try again; a command with the same command id is not done twice.",
    ),
    (
        "DATA_LOSS",
        "存储的数据有损坏,请立即联系运维人员。",
        "Stored data is broken: call an operator at once.",
    ),
    (
        "NOT_SUPPORTED_YET",
        "该功能尚未开通,请改用其他方式办理。",
        "This is not supported yet: take another way for now.",
    ),
    (
        "INTERNAL",
        "系统内部错误,请联系运维人员并提供时间。",
        "Something went wrong on our side: tell an operator when it happened.",
    ),
    (
        "NO_REGISTRY",
        "尚未发布基础数据,请登记员先发布。",
        "No registry is published yet: a registrar has to publish one first.",
    ),
    // The case
    (
        "STATUS_FORBIDS",
        "案件当前状态不允许此操作,请查看允许的下一步。",
        "The case's status does not allow this: see which statuses it may go to.",
    ),
    (
        "NO_SUCH_PART",
        "案件中没有这一项,请刷新后核对序号。",
        "The case has no such part: read it again and check the number.",
    ),
    (
        "LIMIT_REACHED",
        "已达到规定的上限,请按制度由上级处理或合并办理。",
        "A limit of the published policies is reached: finish or merge what is there first.",
    ),
    (
        "UNREGISTERED",
        "所填代码未在基础数据中登记或已停用,请重新选择。",
        "This code is not in the published registry or not active: choose another.",
    ),
    // A part of the case
    ("ENDED", "该项已经结束,不能再办理,请刷新查看。", "It has ended: read the case again to see how."),
    ("ALREADY_DONE", "该项已经办理过,无需重复操作。", "It was done before: nothing is left to do here."),
    ("NOT_SIGNED_FOR", "尚未签收,请先签收。", "It is not signed for: sign for it first."),
    ("NOT_REPORTED_IN", "尚未报到,请先报到。", "Its holder has not reported in: report in first."),
    ("MEASURES_OPEN", "还有必办措施未销号,请先销号。", "Mandatory measures are open: strike them off first."),
    (
        "DUTIES_OPEN",
        "还有必须完成的任务未办结,请等待或催办。",
        "Required duties are open: wait for them or remind their holders.",
    ),
    ("NOT_COMPLETED", "该项尚未办结反馈,请先完成。", "It is not completed: complete it first."),
    ("NOT_ITS_TURN", "前一环节尚未完成,请等待。", "A duty before it is not settled: wait for that one."),
    ("NOT_THE_HOLDER", "该项由其他单位或人员负责,请由其办理。", "Somebody else holds it: leave it to them."),
    (
        "NO_SUCH_STEP",
        "该类事项没有这个环节,请按规定流程办理。",
        "Its kind has no such step: go on with the step it has.",
    ),
    ("NOT_APPROVED", "尚未审批,请先审批。", "It waits for approval: have it approved first."),
    ("NOT_ACTIVE", "尚未生效或已结束,不能办理。", "It is not active: wait until it is, or see how it ended."),
    ("STILL_OPEN", "该项仍在办理中,请先办结。", "It is still open: finish it first."),
    (
        "SAME_PERSON",
        "申请人不能自己审批,请由另一人办理。",
        "Whoever asked may not decide: leave it to a second person.",
    ),
    (
        "NOT_NEUTRAL",
        "与案件有关的单位不能核查或回访,请由无关人员办理。",
        "Whoever is concerned may not judge: leave it to somebody who is not.",
    ),
    (
        "BAD_PRESENCE_CODE",
        "到场码错误或已过期,请在现场获取新的到场码。",
        "The presence code is wrong or has expired: ask on site for a new one.",
    ),
    (
        "CALL_BACK_OWED",
        "还有诉求人未回访,请先回访或申请免回访。",
        "A call-back is owed: call the reporter back, or exempt the case.",
    ),
    (
        "WINDOW_PASSED",
        "已超过规定时限,不能再办理,可另行上报。",
        "Its window has passed: raise a new case that follows this one.",
    ),
    ("STALE_CLOCK", "计时已变化,请刷新后重试。", "The clock has moved on: read it again."),
    ("NOT_DUE", "尚未到办理时间,请稍后再办。", "It is not due yet: come again later."),
    (
        "ACCUSED",
        "被反映的单位、人员及其上级不能查看诉求人信息。",
        "Whoever is complained of, and those above, never see the reporter: leave it to somebody else.",
    ),
    (
        "CONFIDENTIAL",
        "诉求人要求保密,请先申请解密查看并由另一人批准。",
        "The reporter is confidential: ask for break-glass, which a second person must allow.",
    ),
    (
        "ERASED",
        "相关个人信息已依法删除,无法查看。",
        "The personal data was erased and nobody can read it again.",
    ),
    (
        "PROFILE_FORBIDS",
        "该类案件不适用此操作,请按其流程办理。",
        "This kind of case does not have it: go on with the steps of its profile.",
    ),
];
