use jiff::Timestamp;
use uuid::Uuid;

use super::FrameError;

/// Takes fields off the front of bytes that may be anything.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    fn take(&mut self, n: usize) -> Result<&'a [u8], FrameError> {
        let (taken, rest) = self.rest.split_at_checked(n).ok_or(FrameError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], FrameError> {
        self.take(N)?.try_into().map_err(|_| FrameError::Truncated)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, FrameError> {
        self.array().map(u8::from_be_bytes)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, FrameError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, FrameError> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, FrameError> {
        self.array().map(u64::from_be_bytes)
    }

    pub(crate) fn uuid(&mut self) -> Result<Uuid, FrameError> {
        self.array().map(Uuid::from_bytes)
    }

    pub(crate) fn time(&mut self, field: &'static str) -> Result<Timestamp, FrameError> {
        let micros = self.array().map(i64::from_be_bytes)?;
        Timestamp::from_microsecond(micros).map_err(|_| FrameError::Field(field))
    }

    /// A text with one byte of length.
    pub(crate) fn text(&mut self, field: &'static str) -> Result<&'a str, FrameError> {
        let length = self.u8()?;
        std::str::from_utf8(self.take(length.into())?).map_err(|_| FrameError::Field(field))
    }

    /// Bytes with four bytes of length.
    pub(crate) fn block(&mut self) -> Result<&'a [u8], FrameError> {
        let length = self.u32()?;
        self.take(usize::try_from(length).map_err(|_| FrameError::Truncated)?)
    }
}
