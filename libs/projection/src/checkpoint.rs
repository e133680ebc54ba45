use ledger::{Position, Step};
use rusqlite::{Connection, OptionalExtension as _, params};

pub(crate) const TABLE: &str = "projection_checkpoint";

/// How far a file is, and of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    pub name: String,
    pub version: u32,
    pub ledger: String,
    pub epoch: u32,
    pub position: Position,
    /// The ledger's chain there, as text: a ledger that was begun anew under the same name has another.
    pub chain: String,
}

impl Checkpoint {
    /// Moves to the end of a commit.
    pub(crate) fn advance(&mut self, step: &Step) {
        let (epoch, last, chain) = match step {
            Step::Commit(commit) => (commit.epoch, commit.last, commit.chain),
            Step::NewCases(new) => (new.epoch(), new.last(), new.chain()),
        };
        (self.epoch, self.position, self.chain) = (epoch, last, chain.to_string());
    }

    pub(crate) fn create(&self, db: &Connection) -> rusqlite::Result<()> {
        db.execute_batch(&format!(
            "CREATE TABLE {TABLE} (
                only INTEGER PRIMARY KEY CHECK (only = 1),
                name TEXT NOT NULL,
                version INTEGER NOT NULL,
                ledger TEXT NOT NULL,
                epoch INTEGER NOT NULL,
                position INTEGER NOT NULL,
                chain TEXT NOT NULL
            ) STRICT"
        ))?;
        db.execute(
            &format!("INSERT INTO {TABLE} VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6)"),
            params![self.name, self.version, self.ledger, self.epoch, number(self.position), self.chain],
        )?;
        Ok(())
    }

    pub(crate) fn write(&self, db: &Connection) -> rusqlite::Result<()> {
        // With the row named it is changed in one step, and an index of words need not be brought to disk before.
        let sql = format!("UPDATE {TABLE} SET epoch = ?1, position = ?2, chain = ?3 WHERE only = 1");
        db.prepare_cached(&sql)?.execute(params![self.epoch, number(self.position), self.chain])?;
        Ok(())
    }

    /// None when the file has none: it is new, or not a projection's.
    pub(crate) fn read(db: &Connection) -> rusqlite::Result<Option<Self>> {
        let known = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = ?1")?.exists([TABLE])?;
        if !known {
            return Ok(None);
        }
        let sql = format!("SELECT name, version, ledger, epoch, position, chain FROM {TABLE}");
        let read = |row: &rusqlite::Row<'_>| {
            Ok(Self {
                name: row.get(0)?,
                version: row.get(1)?,
                ledger: row.get(2)?,
                epoch: row.get(3)?,
                position: from_number(row.get(4)?),
                chain: row.get(5)?,
            })
        };
        db.query_row(&sql, [], read).optional()
    }
}

/// How far the file says it is. Its rows may be as of a later position, when nothing after this one concerned them; readers ask
/// [`View::read_as_of`](crate::View::read_as_of).
///
/// # Errors
/// What SQLite says.
pub fn position(db: &Connection) -> rusqlite::Result<Position> {
    let sql = format!("SELECT position FROM {TABLE} WHERE only = 1");
    db.prepare_cached(&sql)?.query_row([], |row| Ok(from_number(row.get(0)?)))
}

/// SQLite's integers are signed; no ledger comes near the end of either kind.
fn number(position: Position) -> i64 {
    i64::try_from(position.get()).unwrap_or(i64::MAX)
}

fn from_number(position: i64) -> Position {
    Position(u64::try_from(position).unwrap_or_default())
}
