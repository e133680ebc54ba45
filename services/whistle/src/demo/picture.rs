//! Pictures for the evidence of a story: small, drawn from their label, each different, each a real PNG.

use ring::digest::{SHA256, digest};

/// Pixels a side.
const SIDE: u8 = 16;

/// A PNG whose pattern follows from a label.
pub(super) fn draw(label: &str) -> Vec<u8> {
    let hash = digest(&SHA256, label.as_bytes());
    let mut pixels = Vec::new();
    for row in 0..usize::from(SIDE) {
        // Each row begins with its filter: none.
        pixels.push(0);
        let shades = hash.as_ref().iter().cycle().skip(row).step_by(row + 1).take(SIDE.into());
        pixels.extend(shades);
    }
    let side = u32::from(SIDE).to_be_bytes();
    // Greyscale, eight bits, no interlacing.
    let header = [&side[..], &side[..], &[8, 0, 0, 0, 0]].concat();
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut png, b"IHDR", &header);
    chunk(&mut png, b"IDAT", &stored(&pixels));
    chunk(&mut png, b"IEND", &[]);
    png
}

/// SHA-256 in hexadecimal digits.
pub(super) fn sha256(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn chunk(png: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let body = [kind.as_slice(), data].concat();
    png.extend(length.to_be_bytes());
    png.extend(&body);
    png.extend(crc32fast::hash(&body).to_be_bytes());
}

/// A zlib stream of one uncompressed block.
fn stored(data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap_or(u16::MAX);
    let mut stream = vec![0x78, 0x01, 0x01];
    stream.extend(length.to_le_bytes());
    stream.extend((!length).to_le_bytes());
    stream.extend(data);
    let (a, b) = data.iter().fold((1_u32, 0_u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    stream.extend((b << 16 | a).to_be_bytes());
    stream
}
