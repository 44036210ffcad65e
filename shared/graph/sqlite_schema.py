"""The tables of a tenant's graph in SQLite."""

LAYOUT = 1
"""Of the tables; a file of another layout is made anew by `aegis rebuild --only graph`."""

TABLES = """
CREATE TABLE IF NOT EXISTS entity (
    id INTEGER PRIMARY KEY, entity_id TEXT NOT NULL UNIQUE, key TEXT NOT NULL, canonical TEXT NOT NULL,
    mentions INTEGER NOT NULL, passages INTEGER NOT NULL, documents INTEGER NOT NULL, created_at TEXT NOT NULL,
    names TEXT NOT NULL, types TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS entity_canonical ON entity (canonical, passages);
CREATE INDEX IF NOT EXISTS entity_created ON entity (created_at DESC, canonical DESC);
CREATE TABLE IF NOT EXISTS passage (
    id INTEGER PRIMARY KEY, passage_id TEXT NOT NULL UNIQUE, document_id TEXT NOT NULL, epoch INTEGER NOT NULL,
    position INTEGER NOT NULL, links BLOB NOT NULL, sentences BLOB NOT NULL, content BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS passage_document ON passage (document_id, position, passage_id, epoch);
CREATE TABLE IF NOT EXISTS mention (
    entity INTEGER NOT NULL, place INTEGER NOT NULL, passage INTEGER NOT NULL, PRIMARY KEY (entity, place, passage)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS presence (
    entity_id TEXT NOT NULL, document_id TEXT NOT NULL, passages INTEGER NOT NULL, PRIMARY KEY (entity_id, document_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS presence_document ON presence (document_id, entity_id);
CREATE TABLE IF NOT EXISTS relation (
    relation_id TEXT PRIMARY KEY, source_id TEXT NOT NULL, type TEXT NOT NULL, target_id TEXT NOT NULL,
    valid_from TEXT, valid_to TEXT, weight REAL NOT NULL, support TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS relation_source ON relation (source_id, weight DESC, relation_id);
CREATE INDEX IF NOT EXISTS relation_target ON relation (target_id, weight DESC, relation_id);
CREATE TABLE IF NOT EXISTS merge (
    first_id TEXT NOT NULL, second_id TEXT NOT NULL, reason TEXT NOT NULL, document_id TEXT NOT NULL,
    epoch INTEGER NOT NULL, short_id TEXT, is_void INTEGER NOT NULL, content BLOB NOT NULL,
    PRIMARY KEY (first_id, second_id, document_id, epoch, reason)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS merge_second ON merge (second_id, first_id);
CREATE INDEX IF NOT EXISTS merge_short ON merge (short_id) WHERE short_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS merge_document ON merge (document_id, epoch);
"""

INSERT_ENTITY = """
INSERT INTO entity (entity_id, key, canonical, mentions, passages, documents, created_at, names, types)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (entity_id) DO UPDATE SET
    canonical = excluded.canonical, mentions = excluded.mentions, passages = excluded.passages,
    documents = excluded.documents, created_at = excluded.created_at, names = excluded.names, types = excluded.types
"""

CONNECTED = """
WITH RECURSIVE connected (id) AS (
    SELECT ?1
    UNION SELECT m.second_id FROM connected c JOIN merge m ON m.first_id = c.id AND NOT m.is_void
    UNION SELECT m.first_id FROM connected c JOIN merge m ON m.second_id = c.id AND NOT m.is_void
) SELECT id FROM connected
"""
"""The ids that merges connect with one."""
