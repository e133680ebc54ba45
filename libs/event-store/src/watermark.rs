//! The file `watermark`: how far the log was durable, written after it was.
//!
//! Two slots of 512 bytes, written in turn, so that a torn write leaves the other. Numbers are big-endian.
//!
//! | bytes | field |
//! |---|---|
//! | 4 | magic `WWM1` |
//! | 8 | sequence: the higher valid slot counts, slot = sequence mod 2 |
//! | 4 | epoch |
//! | 8 | position of the last durable event |
//! | 32 | chain hash there |
//! | 8 | recorded at, microseconds since 1970 UTC |
//! | 4 | CRC-32 (IEEE) of everything before |

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use jiff::Timestamp;

use crate::chain::ChainHash;
use crate::frame::FrameError;
use crate::frame::reader::Reader;
use crate::ids::Position;
use crate::store::Head;

const MAGIC: [u8; 4] = *b"WWM1";
const SLOT_BYTES: u64 = 512;
const COVERED_BYTES: usize = 64;

/// The file, open for writing.
pub(crate) struct Watermark {
    file: File,
    sequence: u64,
}

impl Watermark {
    /// Makes a new file that says: nothing yet.
    pub(crate) fn create(path: &Path) -> io::Result<()> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)?;
        let mut watermark = Watermark { file, sequence: 0 };
        watermark.write(&Head::EMPTY)?;
        watermark.file.set_len(2 * SLOT_BYTES)?;
        watermark.file.sync_all()
    }

    /// Opens the file and reads the head it names; `None` when no slot is valid.
    pub(crate) fn open(path: &Path) -> io::Result<(Watermark, Option<Head>)> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let newest = read_slots(&file)?;
        let sequence = newest.map_or(0, |(sequence, _)| sequence);
        Ok((Watermark { file, sequence }, newest.map(|(_, head)| head)))
    }

    /// Reads the head a file names without opening it for writing.
    pub(crate) fn read(path: &Path) -> io::Result<Option<Head>> {
        Ok(read_slots(&File::open(path)?)?.map(|(_, head)| head))
    }

    /// Writes the slot whose turn it is; durable only after [`Watermark::sync`].
    pub(crate) fn write(&mut self, head: &Head) -> io::Result<()> {
        self.sequence += 1;
        self.file.write_all_at(&encode(self.sequence, head), (self.sequence % 2) * SLOT_BYTES)
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

fn encode(sequence: u64, head: &Head) -> Vec<u8> {
    let mut slot = Vec::with_capacity(COVERED_BYTES + 4);
    slot.extend(MAGIC);
    slot.extend(sequence.to_be_bytes());
    slot.extend(head.epoch.to_be_bytes());
    slot.extend(head.position.0.to_be_bytes());
    slot.extend(head.chain.0);
    slot.extend(head.recorded_at.as_microsecond().to_be_bytes());
    slot.extend(crc32fast::hash(&slot).to_be_bytes());
    slot
}

fn read_slots(file: &File) -> io::Result<Option<(u64, Head)>> {
    let mut newest: Option<(u64, Head)> = None;
    for slot in 0..2 {
        let mut bytes = [0; COVERED_BYTES + 4];
        match file.read_exact_at(&mut bytes, slot * SLOT_BYTES) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => continue,
            Err(error) => return Err(error),
        }
        if let Ok((sequence, head)) = decode(&bytes)
            && newest.is_none_or(|(best, _)| best < sequence)
        {
            newest = Some((sequence, head));
        }
    }
    Ok(newest)
}

fn decode(slot: &[u8]) -> Result<(u64, Head), FrameError> {
    let (covered, check) = slot.split_at_checked(COVERED_BYTES).ok_or(FrameError::Truncated)?;
    let mut reader = Reader::new(covered);
    if reader.array::<4>()? != MAGIC {
        return Err(FrameError::Magic);
    }
    if crc32fast::hash(covered).to_be_bytes() != check {
        return Err(FrameError::Check);
    }
    let sequence = reader.u64()?;
    let epoch = reader.u32()?;
    let position = Position(reader.u64()?);
    let chain = ChainHash(reader.array()?);
    let recorded_at: Timestamp = reader.time("recorded at")?;
    Ok((sequence, Head { epoch, position, chain, recorded_at }))
}
