/// The due instant of what has none: sorts last.
pub(crate) const NEVER_DUE: i64 = i64::MAX;

/// A case's number here is the position it was raised at: unique, never changed, the order of raising.
pub(super) const TABLES: &str = "
CREATE TABLE cases (
    id           INTEGER PRIMARY KEY,
    case_id      BLOB NOT NULL,
    position     INTEGER NOT NULL,
    status       TEXT NOT NULL,
    ended        INTEGER NOT NULL,
    status_since INTEGER NOT NULL,
    raised_at    INTEGER NOT NULL,
    matter       TEXT,
    area         TEXT,
    compound     TEXT,
    due          INTEGER NOT NULL,
    reminded_at  INTEGER,
    -- As AreaCode::at cuts them.
    subdistrict  TEXT AS (CASE WHEN length(area) >= 9 THEN substr(area, 1, 9) END),
    community    TEXT AS (CASE WHEN length(area) >= 12 THEN substr(area, 1, 12) END),
    grid         TEXT AS (CASE WHEN length(area) >= 15 THEN substr(area, 1, 15) END)
) STRICT;
CREATE INDEX cases_position ON cases (position);
CREATE INDEX cases_status ON cases (status, id);
CREATE INDEX cases_due ON cases (due, id);
CREATE INDEX cases_area ON cases (area);
CREATE INDEX cases_matter ON cases (matter) WHERE matter IS NOT NULL;

-- Who sees the case besides those of its area: p:PERSON, s:SOURCE, o:ORGANISATION. Who is complained of: ao:…, ap:….
CREATE TABLE sight (
    key     TEXT NOT NULL,
    case_no INTEGER NOT NULL,
    PRIMARY KEY (key, case_no)
) STRICT, WITHOUT ROWID;

CREATE TABLE obligations (
    case_no        INTEGER NOT NULL,
    no             INTEGER NOT NULL,
    org            TEXT NOT NULL,
    state          TEXT NOT NULL,
    open           INTEGER NOT NULL,
    counts         INTEGER NOT NULL,
    assigned_at    INTEGER NOT NULL,
    due            INTEGER NOT NULL,
    signed_late    INTEGER NOT NULL,
    reported_in_at INTEGER,
    reported_late  INTEGER NOT NULL,
    completed      INTEGER NOT NULL,
    completed_late INTEGER NOT NULL,
    score          INTEGER,
    external_ref   TEXT,
    PRIMARY KEY (case_no, no)
) STRICT, WITHOUT ROWID;
CREATE INDEX obligations_org ON obligations (org, open);
CREATE INDEX obligations_ref ON obligations (external_ref) WHERE external_ref IS NOT NULL;

-- What somebody is to do now.
CREATE TABLE tasks (
    case_no     INTEGER NOT NULL,
    no          INTEGER NOT NULL,
    command     TEXT NOT NULL,
    obligation  INTEGER,
    whistle     INTEGER,
    request     INTEGER,
    due         INTEGER NOT NULL,
    reminded_at INTEGER,
    -- Those it has in task_keys, as a list of JSON.
    keys        TEXT NOT NULL,
    PRIMARY KEY (case_no, no)
) STRICT, WITHOUT ROWID;
-- Whose: p:PERSON, o:ORGANISATION, r:ROLE anywhere, r:ROLE@ORGANISATION.
CREATE TABLE task_keys (
    key     TEXT NOT NULL,
    case_no INTEGER NOT NULL,
    no      INTEGER NOT NULL,
    PRIMARY KEY (key, case_no, no)
) STRICT, WITHOUT ROWID;

-- Keyed tokens of bigrams, in one row those of the texts that one commit brought; what is deleted is overwritten in the index too.
CREATE VIRTUAL TABLE search USING fts5(tokens, tokenize = 'ascii', columnsize = 0);
INSERT INTO search (search, rank) VALUES ('secure-delete', 1);
-- Its parts are merged half as often, which makes a row a tenth cheaper; a query looks into at most twice as many.
INSERT INTO search (search, rank) VALUES ('automerge', 8);
-- A row's number is its case's where it was raised, and later the position of the commit's last event on the case: of those the
-- case stands here.
CREATE TABLE said (
    position INTEGER PRIMARY KEY,
    case_no  INTEGER NOT NULL
) STRICT;
CREATE INDEX said_case ON said (case_no);
";
