"""The Cypher of the graph: fixed texts with parameters. Names, types and ids are values, never part of a text.

(:Document)-[:HAS]->(:Passage)-[:MENTIONS]->(:Entity)-[:RELATES]->(:Entity)
(:Document)-[:NAMES]->(:Entity)    how many of the document's passages name the entity
(:Merge)                           two names that stand for one entity

A query for a list of values collects its rows into one list: the driver decodes it ten times as fast as records.
"""

CONSTRAINTS = (
    "CREATE CONSTRAINT aegis_document IF NOT EXISTS FOR (n:Document) REQUIRE (n.tenant, n.document_id) IS UNIQUE",
    "CREATE CONSTRAINT aegis_passage IF NOT EXISTS FOR (n:Passage) REQUIRE (n.tenant, n.passage_id) IS UNIQUE",
    "CREATE CONSTRAINT aegis_entity IF NOT EXISTS FOR (n:Entity) REQUIRE (n.tenant, n.entity_id) IS UNIQUE",
    "CREATE CONSTRAINT aegis_merge IF NOT EXISTS FOR (n:Merge) REQUIRE (n.tenant, n.merge_id) IS UNIQUE",
    "CREATE CONSTRAINT aegis_relates IF NOT EXISTS FOR ()-[r:RELATES]-() REQUIRE (r.tenant, r.relation_id) IS UNIQUE",
    "CREATE RANGE INDEX aegis_passage_document IF NOT EXISTS FOR (n:Passage) ON (n.tenant, n.document_id, n.epoch)",
    "CREATE RANGE INDEX aegis_passage_order IF NOT EXISTS"
    " FOR (n:Passage) ON (n.tenant, n.document_id, n.position, n.passage_id)",
    "CREATE RANGE INDEX aegis_entity_canonical IF NOT EXISTS FOR (n:Entity) ON (n.tenant, n.canonical)",
    "CREATE RANGE INDEX aegis_entity_created IF NOT EXISTS FOR (n:Entity) ON (n.tenant, n.created_at)",
    "CREATE TEXT INDEX aegis_entity_key IF NOT EXISTS FOR (n:Entity) ON (n.key)",
    "CREATE RANGE INDEX aegis_merge_first IF NOT EXISTS FOR (n:Merge) ON (n.tenant, n.first_id)",
    "CREATE RANGE INDEX aegis_merge_second IF NOT EXISTS FOR (n:Merge) ON (n.tenant, n.second_id)",
    "CREATE RANGE INDEX aegis_merge_short IF NOT EXISTS FOR (n:Merge) ON (n.tenant, n.short_id)",
    "CREATE RANGE INDEX aegis_merge_document IF NOT EXISTS FOR (n:Merge) ON (n.tenant, n.document_id)",
    "CREATE RANGE INDEX aegis_mentions IF NOT EXISTS FOR ()-[m:MENTIONS]-() ON (m.key)",
)
"""There is no index of the tenant alone: a plan that is made while the graph is small would look up nodes by it.
Queries for a whole tenant name a second property, and so use an index that begins with the tenant."""

_ENTITY = "e.entity_id, e.key, e.canonical, e.mentions, e.passages, e.documents, e.created_at, e.names, e.types"
_RELATION = "r.relation_id, r.source_id, r.type, r.target_id, r.valid_from, r.valid_to, r.support"

# writing; locks are taken in the order of ids

LOCK_DOCUMENTS = """
UNWIND $documents AS id
MERGE (d:Document {tenant: $tenant, document_id: id})
SET d.lock = true
RETURN d.document_id
"""

LOCK_ENTITIES = f"""
UNWIND $entities AS row
MERGE (e:Entity {{tenant: $tenant, entity_id: row[0]}})
ON CREATE SET e.key = row[1], e.canonical = row[0], e.mentions = 0, e.passages = 0, e.documents = 0,
    e.created_at = '', e.names = '{{}}', e.types = '{{}}'
SET e.lock = true
RETURN collect([{_ENTITY}])
"""
"""A row that another transaction deleted meanwhile comes back without its id. Rows that are new, or that only stand for
a lock, name no passage; `REMOVE_UNNAMED` removes them."""

STORE_ENTITIES = """
UNWIND $rows AS row
MATCH (e:Entity {tenant: $tenant, entity_id: row.entity_id})
SET e.canonical = row.canonical, e.mentions = row.mentions, e.passages = row.passages, e.documents = row.documents,
    e.created_at = row.created_at, e.names = row.names, e.types = row.types, e.lock = null,
    e.is_merged = coalesce(row.is_merged, e.is_merged)
"""

REMOVE_UNNAMED = """
MATCH (e:Entity {tenant: $tenant}) WHERE e.entity_id IN $ids AND e.passages = 0
DETACH DELETE e
"""

READ_PASSAGES = "MATCH (p:Passage {tenant: $tenant}) WHERE p.passage_id IN $ids RETURN p.content"

READ_GENERATIONS = """
MATCH (p:Passage {tenant: $tenant, document_id: $document_id}) WHERE p.epoch <= $generation
RETURN p.content LIMIT $limit
"""

REMOVE_PASSAGES = "MATCH (p:Passage {tenant: $tenant}) WHERE p.passage_id IN $ids DETACH DELETE p"

CREATE_PASSAGES = """
UNWIND $rows AS row
MATCH (d:Document {tenant: $tenant, document_id: row.document_id})
CREATE (d)-[:HAS]->(:Passage {tenant: $tenant, passage_id: row.passage_id, document_id: row.document_id,
    epoch: row.epoch, position: row.position, names: row.names, counts: row.counts, sentences: row.sentences,
    content: row.content})
"""

CREATE_MENTIONS = """
UNWIND $rows AS row
MATCH (p:Passage {tenant: $tenant, passage_id: row[0]})
MATCH (e:Entity {tenant: $tenant, entity_id: row[1]})
CREATE (p)-[:MENTIONS {key: row[2]}]->(e)
"""

READ_PRESENCE = """
UNWIND $pairs AS pair
MATCH (d:Document {tenant: $tenant, document_id: pair[1]})
MATCH (e:Entity {tenant: $tenant, entity_id: pair[0]})
MATCH (d)-[n:NAMES]->(e)
RETURN collect([pair[0], pair[1], n.passages])
"""

STORE_PRESENCE = """
UNWIND $rows AS row
MATCH (d:Document {tenant: $tenant, document_id: row[1]})
MATCH (e:Entity {tenant: $tenant, entity_id: row[0]})
MERGE (d)-[n:NAMES]->(e)
SET n.passages = row[2]
"""

REMOVE_PRESENCE = """
UNWIND $rows AS row
MATCH (d:Document {tenant: $tenant, document_id: row[1]})
MATCH (e:Entity {tenant: $tenant, entity_id: row[0]})
MATCH (d)-[n:NAMES]->(e)
DELETE n
"""

REMOVE_EMPTY_DOCUMENTS = """
MATCH (d:Document {tenant: $tenant}) WHERE d.document_id IN $documents AND NOT (d)-[:HAS]->()
DETACH DELETE d
"""

READ_RELATIONS = f"""
UNWIND $ids AS id
MATCH ()-[r:RELATES {{tenant: $tenant, relation_id: id}}]->()
RETURN collect([{_RELATION}])
"""

STORE_RELATIONS = """
UNWIND $rows AS row
MATCH (s:Entity {tenant: $tenant, entity_id: row.source_id})
MATCH (t:Entity {tenant: $tenant, entity_id: row.target_id})
MERGE (s)-[r:RELATES {tenant: $tenant, relation_id: row.relation_id}]->(t)
SET r.source_id = row.source_id, r.type = row.type, r.target_id = row.target_id, r.valid_from = row.valid_from,
    r.valid_to = row.valid_to, r.weight = row.weight, r.support = row.support
"""

REMOVE_RELATIONS = """
UNWIND $ids AS id
MATCH ()-[r:RELATES {tenant: $tenant, relation_id: id}]->()
DELETE r
"""

STORE_MERGES = """
UNWIND $rows AS row
MERGE (m:Merge {tenant: $tenant, merge_id: row.merge_id})
SET m.first_id = row.first_id, m.second_id = row.second_id, m.document_id = row.document_id, m.epoch = row.epoch,
    m.reason = row.reason, m.short_id = row.short_id, m.is_void = false, m.content = row.content
"""

REMOVE_MERGES_OF_PAIR = """
MATCH (m:Merge {tenant: $tenant, first_id: $first_id}) WHERE m.second_id = $second_id
DELETE m
"""

READ_MERGES_OF_DOCUMENT = """
MATCH (m:Merge {tenant: $tenant, document_id: $document_id}) WHERE m.epoch <= $generation
RETURN m.content
"""

REMOVE_MERGES_OF_DOCUMENT = """
MATCH (m:Merge {tenant: $tenant, document_id: $document_id}) WHERE m.epoch <= $generation
DELETE m
"""

_MERGES = """
UNWIND $ids AS id
CALL (id) {
    MATCH (m:Merge {tenant: $tenant, first_id: id}) RETURN m
    UNION
    MATCH (m:Merge {tenant: $tenant, second_id: id}) RETURN m
}"""

MERGES_OF = f"""{_MERGES}
RETURN collect(DISTINCT [m.first_id, m.second_id, m.document_id, m.epoch, m.reason, m.short_id])
"""

STORE_JUDGEMENTS = """
UNWIND $rows AS row
MATCH (m:Merge {tenant: $tenant, merge_id: row[0]})
SET m.is_void = row[1]
"""

MERGED_WITH = f"""{_MERGES}
WITH m WHERE NOT m.is_void
WITH DISTINCT m.first_id AS first, m.second_id AS second
RETURN collect([first, second])
"""

SET_CANONICAL = """
UNWIND $rows AS row
MATCH (e:Entity {tenant: $tenant, entity_id: row[0]})
SET e.canonical = row[1], e.is_merged = row[2], e.lock = null
"""

LABELS = {"Passage": "passage_id", "Document": "document_id", "Entity": "entity_id", "Merge": "merge_id"}
"""The labels of the graph and what identifies a node within its tenant."""

REMOVE_TENANT = tuple(
    f"MATCH (n:{label} {{tenant: $tenant}}) WHERE n.{key} IS NOT NULL"
    " WITH n LIMIT $limit DETACH DELETE n RETURN count(*)"
    for label, key in LABELS.items()
)
"""A tenant's nodes are removed a label at a time."""

# reading

CANONICAL = """
CALL () {
    MATCH (e:Entity {tenant: $tenant}) WHERE e.entity_id IN $ids RETURN e.entity_id AS id, e.canonical AS canonical
    UNION
    MATCH (e:Entity {tenant: $tenant}) WHERE e.canonical IN $ids RETURN e.canonical AS id, e.canonical AS canonical
}
RETURN collect([id, canonical])
"""

MEMBERS = f"""
MATCH (e:Entity {{tenant: $tenant}}) WHERE e.canonical IN $ids
WITH e ORDER BY e.entity_id
RETURN collect([{_ENTITY}])
"""

SAMPLE = """
UNWIND $names AS name
CALL (name) {
    MATCH (p:Passage)-[m:MENTIONS]->(:Entity) WHERE m.key STARTS WITH name
    RETURN m.key AS key, p.passage_id AS passage_id ORDER BY key LIMIT $limit
}
RETURN collect([name, key, passage_id])
"""

PASSAGES = """
MATCH (p:Passage {tenant: $tenant}) WHERE p.passage_id IN $ids
RETURN collect([
    p.passage_id, p.document_id, p.position, p.names, p.counts, CASE WHEN $with_sentences THEN p.sentences END
])
"""

NAMES = """
MATCH (e:Entity {tenant: $tenant}) WHERE e.entity_id IN $ids
RETURN collect([e.entity_id, e.canonical, e.passages, e.is_merged])
"""

FREQUENCIES = """
MATCH (e:Entity {tenant: $tenant}) WHERE e.canonical IN $ids
WITH e.canonical AS canonical, sum(e.passages) AS passages
RETURN collect([canonical, passages])
"""

COUNT_DOCUMENTS = """
UNWIND $groups AS names
CALL (names) {
    MATCH (e:Entity {tenant: $tenant})<-[:NAMES]-(d:Document) WHERE e.entity_id IN names
    RETURN count(DISTINCT d) AS documents
}
RETURN collect([documents])
"""

LIST_ENTITIES = """
MATCH (e:Entity)
USING INDEX e:Entity(tenant, created_at)
WHERE e.tenant = $tenant AND e.created_at <= $time AND (e.created_at < $time OR e.canonical < $id)
    AND NOT EXISTS {
        MATCH (o:Entity)
        USING INDEX o:Entity(tenant, canonical)
        WHERE o.tenant = $tenant AND o.canonical = e.canonical
            AND (o.created_at > e.created_at OR (o.created_at = e.created_at AND o.entity_id > e.entity_id))
    }
RETURN e.canonical ORDER BY e.tenant DESC, e.created_at DESC, e.canonical DESC LIMIT $limit
"""
"""Before that time and id; a whole entity stands where its newest name does."""

LIST_NAMED = """
MATCH (e:Entity {tenant: $tenant}) WHERE e.entity_id IS NOT NULL AND e.key CONTAINS $query
WITH DISTINCT e.canonical AS canonical
MATCH (o:Entity {tenant: $tenant, canonical: canonical})
WITH canonical, max(o.created_at) AS created
WHERE created < $time OR (created = $time AND canonical < $id)
RETURN canonical ORDER BY created DESC, canonical DESC LIMIT $limit
"""

RELATIONS = f"""
UNWIND $names AS name
CALL (name) {{
    MATCH (:Entity {{tenant: $tenant, entity_id: name}})-[r:RELATES]-()
    WHERE $as_of IS NULL
        OR ((r.valid_from IS NULL OR r.valid_from <= $as_of) AND (r.valid_to IS NULL OR r.valid_to > $as_of))
    RETURN r ORDER BY r.weight DESC, r.relation_id LIMIT $limit
}}
RETURN collect([name, {_RELATION}])
"""

SIZE = """
RETURN COUNT { MATCH (p:Passage {tenant: $tenant}) WHERE p.passage_id IS NOT NULL },
    COUNT { MATCH (e:Entity {tenant: $tenant}) WHERE e.canonical IS NOT NULL RETURN DISTINCT e.canonical },
    COUNT { MATCH ()-[r:RELATES {tenant: $tenant}]->() WHERE r.relation_id IS NOT NULL }
"""

COUNT_ENTITIES = """
MATCH (:Document {tenant: $tenant, document_id: $document_id})-[:NAMES]->(e:Entity)
RETURN count(DISTINCT e.canonical)
"""

EXPORT_PASSAGES = """
MATCH (p:Passage)
USING INDEX p:Passage(tenant, document_id, position, passage_id)
WHERE p.tenant = $tenant AND p.document_id >= $document_id
    AND p.position IS NOT NULL AND p.passage_id IS NOT NULL
WITH p ORDER BY p.tenant, p.document_id, p.position, p.passage_id
WHERE p.document_id > $document_id OR p.position > $position
    OR (p.position = $position AND p.passage_id > $passage_id)
RETURN p.content, p.sentences LIMIT $limit
"""

EXPORT_MERGES = """
MATCH (m:Merge {tenant: $tenant}) WHERE m.merge_id IS NOT NULL
RETURN m.content ORDER BY m.first_id, m.second_id, m.document_id, m.epoch, m.reason
"""
