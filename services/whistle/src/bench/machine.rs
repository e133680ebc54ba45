//! The machine the figures are of.

use std::path::Path;

use serde::Serialize;

/// What the figures depend on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Machine {
    /// Cores this process may use; the load runs on the same ones.
    cores: usize,
    /// Model of the processor.
    cpu: String,
    /// Release of the kernel.
    kernel: String,
    /// Whether the build is optimised. Figures of one that is not say nothing.
    optimised: bool,
}

impl Machine {
    /// This machine; what cannot be told is `unknown`.
    pub(super) fn this() -> Self {
        let read = |path: &str| std::fs::read_to_string(Path::new(path)).unwrap_or_default();
        Self {
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            cpu: known(cpu_model(&read("/proc/cpuinfo"))),
            kernel: known(read("/proc/sys/kernel/osrelease").trim()),
            optimised: !cfg!(debug_assertions),
        }
    }

    /// One line for people.
    pub(super) fn line(&self) -> String {
        let Self { cores, cpu, kernel, optimised } = self;
        let build = if *optimised { "release" } else { "debug build: the figures say nothing" };
        format!("{cores} cores, {cpu}, kernel {kernel}, {build}")
    }
}

/// The model that `/proc/cpuinfo` names first.
pub(super) fn cpu_model(cpuinfo: &str) -> &str {
    let named = cpuinfo.lines().filter_map(|line| line.split_once(':'));
    let mut models = named.filter(|(key, _)| matches!(key.trim(), "model name" | "Model" | "cpu model"));
    models.next().map_or("", |(_, model)| model.trim())
}

fn known(text: &str) -> String {
    if text.is_empty() { "unknown".to_owned() } else { text.to_owned() }
}
