//! Texts within the bounds of the API: cut into several where one is too long, control characters replaced.

/// Longest text, in characters.
const TEXT_CHARS_MAX: usize = 4000;

/// A text, and what of it did not fit into one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Words {
    /// As much as fits.
    pub first: String,
    /// What follows, piece by piece.
    pub more: Vec<String>,
    /// Whether control characters were replaced.
    pub damaged: bool,
}

impl Words {
    /// A text of ordinary length.
    pub(super) fn of(text: &str) -> Self {
        Self::bounded(text, TEXT_CHARS_MAX)
    }

    /// A text of which the first piece has at most so many characters.
    pub(super) fn bounded(text: &str, first_chars_max: usize) -> Self {
        let mut damaged = false;
        let clean: String = text
            .trim()
            .chars()
            .map(|c| {
                let bad = c.is_control() && !matches!(c, '\t' | '\n' | '\r');
                damaged |= bad;
                if bad { char::REPLACEMENT_CHARACTER } else { c }
            })
            .collect();
        let (first, mut rest) = cut(&clean, first_chars_max);
        let mut more = Vec::new();
        while !rest.is_empty() {
            let (piece, after) = cut(rest, TEXT_CHARS_MAX);
            more.push(piece.to_owned());
            rest = after;
        }
        Self { first: first.to_owned(), more, damaged }
    }

    /// The first piece, taken out.
    pub(super) fn first(&mut self) -> String {
        std::mem::take(&mut self.first)
    }
}

fn cut(text: &str, chars_max: usize) -> (&str, &str) {
    match text.char_indices().nth(chars_max) {
        Some((at, _)) => text.split_at(at),
        None => (text, ""),
    }
}
