macro_rules! commands {
    ($($(#[$doc:meta])* $name:ident: $zh:literal, $en:literal;)*) => {
        /// The commands a task may ask for, named as the services name them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Command {
            $($(#[$doc])* $name,)*
        }

        impl Command {
            /// The name of its RPC.
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            /// What to do, in Chinese and in English.
            pub(crate) fn words(self) -> (&'static str, &'static str) {
                match self {
                    $(Self::$name => ($zh, $en),)*
                }
            }
        }
    };
}

commands! {
    /// 分类
    TriageCase: "补齐缺项、分类", "settle what is missing";
    /// 受理
    AcceptCase: "受理", "accept";
    /// 不予受理
    RejectCase: "核实不属实,不予受理并答复", "reject what was found not to be so, with a reply";
    /// 发核实
    RequestVerification: "派人现场核实", "ask somebody to verify on site";
    /// 核实
    VerifyCase: "到现场核实", "verify on site";
    /// 直接答复
    AnswerDirectly: "答复", "answer";
    /// 立案
    FileCase: "立案", "file";
    /// 自处理审核
    AuditSelfHandled: "审核自处理", "audit what was fixed on the spot";
    /// 派遣
    DispatchCase: "派遣", "dispatch";
    /// 吹哨
    BlowWhistle: "重新吹哨", "blow the whistle again";
    /// 核查
    CheckCase: "核查处置结果", "check what was done";
    /// 回访
    CallBack: "回访诉求人", "call the reporter back";
    /// 结案
    CloseCase: "结案", "close";
    /// 审哨
    ApproveWhistle: "审哨", "approve the whistle";
    /// 分哨
    TriageWhistle: "分哨:定主办、协办", "triage the whistle: who leads, who joins";
    /// 应急哨补批
    ConfirmWhistle: "补批应急哨", "confirm the emergency whistle";
    /// 销哨
    StandDownWhistle: "应哨单位均已完成,销哨", "everyone called is done: stand the whistle down";
    /// 异议审批
    DecideObjection: "裁定异议", "decide the objection";
    /// 审批
    DecideExit: "审批申请", "decide the request";
    /// 解密审批
    DecideBreakGlass: "审批解密查看", "decide who may see a confidential contact";
    /// 签收
    SignFor: "签收", "sign for the duty";
    /// 联系
    RecordContact: "联系诉求人", "contact the reporter";
    /// 报到
    ReportIn: "报到", "report in";
    /// 销号
    StrikeOff: "落实措施并销号", "carry out the measures and strike them off";
    /// 办结反馈
    Complete: "办结反馈", "report the part done";
    /// 办结
    DisposeCase: "办结并答复", "dispose of the case, with the reply";
    /// 验收
    Confirm: "验收", "confirm the part done";
}
