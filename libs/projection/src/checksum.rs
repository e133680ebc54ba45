use ring::digest::{Context, SHA256};
use rusqlite::Connection;
use rusqlite::types::ValueRef;

use crate::checkpoint::TABLE;

/// A sum over all rows of all tables, as 64 hexadecimal digits: equal for a file that was folded live and one that was
/// rebuilt. Rows count in any order; the checkpoint and the inner tables of full-text indexes do not count.
///
/// # Errors
/// What SQLite says.
pub fn checksum(db: &Connection) -> rusqlite::Result<String> {
    let mut tables = db.prepare(
        "SELECT name FROM pragma_table_list
         WHERE schema = 'main' AND type IN ('table', 'virtual') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
         ORDER BY name",
    )?;
    let tables: Vec<String> = tables.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut whole = Context::new(&SHA256);
    for table in tables.iter().filter(|table| *table != TABLE) {
        let (rows, sum) = of_table(db, table)?;
        add(&mut whole, table.as_bytes());
        whole.update(&rows.to_be_bytes());
        for lane in sum {
            whole.update(&lane.to_be_bytes());
        }
    }
    Ok(whole.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// How many rows, and the sum of their hashes lane by lane: rows that are there twice count twice.
fn of_table(db: &Connection, table: &str) -> rusqlite::Result<(u64, [u64; 4])> {
    let mut select = db.prepare(&format!("SELECT * FROM \"{}\"", table.replace('"', "\"\"")))?;
    let columns: Vec<String> = select.column_names().map(str::to_owned).collect();
    let mut rows = select.query([])?;
    let mut count = 0;
    let mut sum = [0_u64; 4];
    while let Some(row) = rows.next()? {
        let mut hash = Context::new(&SHA256);
        for (index, column) in columns.iter().enumerate() {
            add(&mut hash, column.as_bytes());
            add_value(&mut hash, row.get_ref(index)?);
        }
        let hash = hash.finish();
        for (lane, bytes) in sum.iter_mut().zip(hash.as_ref().chunks_exact(8)) {
            let bytes = <[u8; 8]>::try_from(bytes).unwrap_or_default();
            *lane = lane.wrapping_add(u64::from_be_bytes(bytes));
        }
        count += 1;
    }
    Ok((count, sum))
}

fn add_value(hash: &mut Context, value: ValueRef<'_>) {
    match value {
        ValueRef::Null => hash.update(b"n"),
        ValueRef::Integer(number) => {
            hash.update(b"i");
            hash.update(&number.to_be_bytes());
        }
        ValueRef::Real(number) => {
            hash.update(b"r");
            hash.update(&number.to_bits().to_be_bytes());
        }
        ValueRef::Text(text) => {
            hash.update(b"t");
            add(hash, text);
        }
        ValueRef::Blob(bytes) => {
            hash.update(b"b");
            add(hash, bytes);
        }
    }
}

fn add(hash: &mut Context, bytes: &[u8]) {
    hash.update(&(bytes.len() as u64).to_be_bytes());
    hash.update(bytes);
}
