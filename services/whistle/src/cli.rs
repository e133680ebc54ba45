//! The command line: nouns and verbs, each with an example, each ending with a code of [`Exit`].

#[cfg(test)]
mod tests;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::client::Client;
use crate::commands::{act, cases, clocks, feed, registry, token, vault_key};
use crate::demo::Demo;
use crate::exit::{Exit, Failure};
use crate::lang::Lang;
use crate::output::{self, Format};
use crate::rebuild::Rebuild;
use crate::serve::Serve;
use crate::verify::{InPlace, Verify};
use crate::{bench, demo, import, rebuild, serve, verify};

/// 吹哨报到: calling departments to a problem a street cannot solve alone, and hearing from them until it is solved.
#[derive(Debug, Parser)]
#[command(
    name = "whistle",
    version,
    propagate_version = true,
    after_help = "\
Examples:
  whistle demo
  whistle serve --data ./data --principals principals.toml --registry seeds/huancui
  whistle case list --token sandbox-centre-officer-1

Exit codes: 0 done; 1 done and the answer is no; 64 wrong usage or configuration; 65 wrong data; 69 not to be reached or in use;
70 Whistle failed; 74 a file cannot be used; 75 try again; 77 no token or not the right."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    /// The server, as http://HOST:PORT; of one role a process, as ROLE=HOST:PORT,ROLE=HOST:PORT.
    #[arg(
        long,
        global = true,
        env = "WHISTLE_SERVER",
        value_name = "ADDR",
        default_value = "http://127.0.0.1:7600"
    )]
    pub server: String,
    /// The token of whoever calls.
    #[arg(long, global = true, env = "WHISTLE_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub token: Option<String>,
    /// The form data is printed in.
    #[arg(short = 'o', long = "output", global = true, value_enum, default_value_t)]
    pub output: Format,
    /// The language people are spoken to in.
    #[arg(long, global = true, value_enum, default_value_t)]
    pub lang: Lang,
}

impl Common {
    /// A connection to the server.
    ///
    /// # Errors
    /// When it is not reached.
    pub(crate) async fn connect(&self) -> Result<Client, Failure> {
        Client::connect(&self.server, self.token.as_deref()).await
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(Demo),
    Serve(Serve),
    Raise(act::Raise),
    Blow(act::Blow),
    ReportIn(act::ReportIn),
    /// Reads cases.
    #[command(subcommand, after_help = "Example:\n  whistle case list --overdue")]
    Case(cases::Case),
    /// What is the caller's to do.
    #[command(subcommand, after_help = "Example:\n  whistle task list")]
    Task(cases::Task),
    /// An organisation's feed.
    #[command(subcommand, after_help = "Example:\n  whistle feed tail urban-enforcement")]
    Feed(feed::Feed),
    /// Deadlines.
    #[command(subcommand, after_help = "Example:\n  whistle clock list")]
    Clock(clocks::Clock),
    /// Places, organisations, matters, policies.
    #[command(subcommand, after_help = "Example:\n  whistle registry show")]
    Registry(registry::Registry),
    /// Tokens for principals.
    #[command(subcommand, after_help = "Example:\n  whistle token new")]
    Token(token::Token),
    /// The vault's key file, for one role a process.
    #[command(subcommand, name = "vault-key", after_help = "Example:\n  whistle vault-key new vault.key")]
    VaultKey(vault_key::VaultKey),
    /// Brings in the history of another system, as it was (历史导入). A second import of the same file commits nothing.
    Import(import::Args),
    /// Measures this machine: durable calls against a server that stores nothing, folding against a bare scan.
    Bench(bench::Args),
    #[command(hide = true)]
    BenchReference(bench::Reference),
    Verify(Verify),
    #[command(hide = true)]
    VerifyInPlace(InPlace),
    Rebuild(Rebuild),
}

/// Runs the process.
pub(crate) fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers; anything else is wrong usage.
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Ok };
            error.print().unwrap_or_default();
            return exit.into();
        }
    };
    let lang = cli.common.lang;
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::say(&Failure::internal(error).render(lang));
            return Exit::Internal.into();
        }
    };
    match runtime.block_on(Box::pin(dispatch(&cli))) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            output::say(&failure.render(lang));
            failure.exit.into()
        }
    }
}

async fn dispatch(cli: &Cli) -> Result<Exit, Failure> {
    let (common, lang) = (&cli.common, cli.common.lang);
    match &cli.command {
        Command::Demo(args) => demo::run(args, lang).await,
        Command::Serve(args) => serve::run(args).await,
        Command::Raise(args) => act::raise(args, common).await,
        Command::Blow(args) => act::blow(args, common).await,
        Command::ReportIn(args) => act::report_in(args, common).await,
        Command::Case(command) => cases::run(command, common).await,
        Command::Task(command) => cases::tasks(command, common).await,
        Command::Feed(command) => feed::run(command, common).await,
        Command::Clock(command) => clocks::run(command, common).await,
        Command::Registry(command) => registry::run(command, common).await,
        Command::Token(command) => token::run(command, common),
        Command::VaultKey(command) => vault_key::run(command),
        Command::Import(args) => {
            import::run(args, async || common.connect().await, common.output, lang).await
        }
        Command::Bench(args) => bench::run(args, common.token.as_deref(), common.output, lang).await,
        Command::BenchReference(args) => bench::serve_reference(args).await,
        Command::Verify(args) => verify::run(args, lang).await,
        Command::VerifyInPlace(args) => verify::in_place(args),
        Command::Rebuild(args) => rebuild::run(args, lang).await,
    }
}
