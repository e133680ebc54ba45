//! Chinese first, English on demand.

use clap::ValueEnum;
use serde::Deserialize;

/// The language people are spoken to in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Lang {
    /// 中文
    #[default]
    Zh,
    /// English
    En,
}

/// A text in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Text {
    zh: Box<str>,
    en: Box<str>,
}

impl Text {
    pub(crate) fn new(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { zh: zh.into().into(), en: en.into().into() }
    }

    pub(crate) fn get(&self, lang: Lang) -> &str {
        lang.pick(&self.zh, &self.en)
    }
}

impl Lang {
    /// The one of the two that is of this language; the other where it is empty.
    pub(crate) fn pick<'a>(self, zh: &'a str, en: &'a str) -> &'a str {
        match self {
            Self::Zh if !zh.is_empty() => zh,
            Self::En if en.is_empty() => zh,
            Self::Zh | Self::En => en,
        }
    }
}
