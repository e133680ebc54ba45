use crate::all::{StartError, chain};
use crate::exit::{Exit, Failure};
use crate::lang::Text;

/// Services that did not start.
pub(crate) fn not_started(error: StartError) -> Failure {
    let detail = [chain(&error)];
    let (exit, reason, sentence, next) = match &error {
        StartError::NoRegistry(_) => (
            Exit::Usage,
            "NO_REGISTRY",
            Text::new("尚未发布登记", "no registry was published yet"),
            Text::new("用 --registry 给出登记目录", "give the registry's directory with --registry"),
        ),
        StartError::OtherDistrict { .. } => (
            Exit::Usage,
            "OTHER_DISTRICT",
            Text::new("数据目录属于另一个区", "the data directory is another district's"),
            Text::new("核对 --data 与 --registry", "check --data and --registry"),
        ),
        in_use if is_in_use(in_use) => (
            Exit::Unavailable,
            "DIRECTORY_IN_USE",
            Text::new("数据目录正被另一个进程使用", "another process uses the data directory"),
            Text::new("先停止该进程", "stop it first"),
        ),
        StartError::Directory(..) => (
            Exit::Io,
            "IO",
            Text::new("无法使用数据目录", "the data directory cannot be used"),
            Text::new("检查路径、权限与磁盘空间", "check the path, the permissions and the space left"),
        ),
        StartError::Publish(_) => (
            Exit::BadData,
            "REGISTRY_REFUSED",
            Text::new("登记未能发布", "the registry was not published"),
            Text::new("按登记检查的结果修改", "mend what the linter found"),
        ),
        StartError::Served(ledgerd::Error::Host(ledger::HostError::Rival { .. })) => (
            Exit::Unavailable,
            "LEDGER_IN_USE",
            Text::new("另一个进程正在提供这个总账", "another process serves this ledger"),
            Text::new("两个进程只留一个", "end one of the two"),
        ),
        StartError::Served(_) | StartError::Role(_) | StartError::Bus(_) => (
            Exit::Usage,
            "BAD_ROLE",
            Text::new("该角色的参数或配置有误", "the role cannot run as it is set"),
            Text::new("按提示修改参数或配置", "mend the options or the configuration as it says"),
        ),
        StartError::Ledger(ledger::LedgerError::Away) | StartError::Vault(vault::Error::Away) => (
            Exit::Again,
            "LEDGER_AWAY",
            Text::new("启动途中连不上总账", "the ledger went away during the start"),
            Text::new("稍后重启", "start again later"),
        ),
        StartError::Log(_)
        | StartError::Vault(_)
        | StartError::Ledger(_)
        | StartError::Gone(_)
        | StartError::Service(..) => (
            Exit::Internal,
            "NOT_STARTED",
            Text::new("服务没有启动", "the services did not start"),
            Text::new(
                "按提示处理;必要时 whistle verify 检查总账",
                "do what it says; whistle verify checks the ledger",
            ),
        ),
    };
    Failure::new(exit, reason, sentence, next).with(detail)
}

fn is_in_use(error: &StartError) -> bool {
    use event_store::OpenError::Locked;
    matches!(error, StartError::Directory(_, io) if io.kind() == std::io::ErrorKind::WouldBlock)
        || matches!(error, StartError::Log(Locked { .. }) | StartError::Vault(vault::Error::Locked { .. }))
}
