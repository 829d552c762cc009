"""SQL of resources, allocations and stock.

Each statement that reads resources names what the caller may read, as the table's policy does:
`:everywhere` for who dispatches, audits or administers; else `:units` and what is commanded now.
"""

from __future__ import annotations

from sqlalchemy import text

READABLE = """(:everywhere OR r.owner_unit = ANY(CAST(:units AS text[]))
  OR ARRAY[r.village_code, r.grid_code] && (SELECT gw_commanded()))"""
_COLUMNS = """
r.id, r.kind, r.name, r.owner_unit, r.grid_code AS grid, r.village_code AS village,
ST_X(r.location) AS lon, ST_Y(r.location) AS lat, r.raw_x, r.raw_y, r.raw_crs, r.accuracy_m,
r.capacity, r.note, r.contact_name, r.contact_phone, r.status, r.version, r.created_at,
r.updated_at,
(SELECT to_jsonb(s) FROM (SELECT l.id, l.activation_id AS activation, x.drill, l.quantity, l.note,
  l.allocated_at, l.allocated_by FROM allocation l JOIN activation x ON x.id = l.activation_id
  WHERE l.resource_id = r.id AND l.released_at IS NULL) AS s) AS allocation
"""
ONE = text(f"SELECT {_COLUMNS} FROM resource r WHERE r.id = :id AND {READABLE}")
# The CASE hides the box from the planner, which would take it to be rare inside a cell, and would
# read and sort whole cells instead of walking them by id.
_ASKED = f"""
  (CAST(:after AS uuid) IS NULL OR r.id > CAST(:after AS uuid)) AND {READABLE}
  AND (CAST(:area AS text) IS NULL OR r.grid_code ^@ CAST(:area AS text))
  AND (CAST(:kind AS text) IS NULL OR r.kind = CAST(:kind AS text))
  AND (CAST(:unit AS text) IS NULL OR r.owner_unit = CAST(:unit AS text))
  AND CASE WHEN CAST(:status AS text) IS NULL THEN r.status <> 'retired'
    ELSE r.status = CAST(:status AS text) END
  AND (CAST(:activation AS uuid) IS NULL OR EXISTS (SELECT FROM allocation l
    WHERE l.resource_id = r.id AND l.released_at IS NULL
      AND l.activation_id = CAST(:activation AS uuid)))
  AND CASE WHEN CAST(:west AS float8) IS NULL OR (ST_X(r.location) BETWEEN :west AND :east
    AND ST_Y(r.location) BETWEEN :south AND :north) THEN true ELSE false END
"""
PAGE = text(f"SELECT {_COLUMNS} FROM resource r WHERE {_ASKED} ORDER BY r.id LIMIT :limit")
# A map asks for a box: each of its cells gives its first, so the rest of the county is not read.
PAGE_IN_CELLS = text(f"""
SELECT {_COLUMNS} FROM (
  SELECT p.id FROM unnest(CAST(:cells AS int[])) AS c(cell) CROSS JOIN LATERAL (
    SELECT r.id FROM resource r WHERE r.cell = c.cell AND {_ASKED} ORDER BY r.id LIMIT :limit) AS p
  ORDER BY p.id LIMIT :limit) AS found JOIN resource r ON r.id = found.id
ORDER BY r.id
""")
# The index gives resources by distance in metres; what is too far ends the list, not the search.
NEAREST = text(f"""
SELECT n.* FROM (
  SELECT {_COLUMNS}, ST_Distance(r.position, o.here) AS distance_m
  FROM (SELECT ST_SetSRID(ST_MakePoint(:easting, :northing), 4545) AS here) AS o, resource r
  WHERE r.status = 'available' AND {READABLE}
    AND (CAST(:kind AS text) IS NULL OR r.kind = CAST(:kind AS text))
    AND (CAST(:item AS text) IS NULL OR EXISTS (SELECT FROM stock s
      WHERE s.resource_id = r.id AND s.item_code = CAST(:item AS text) AND s.balance > 0))
    AND (:allocated OR NOT EXISTS (SELECT FROM allocation l
      WHERE l.resource_id = r.id AND l.released_at IS NULL))
  ORDER BY r.position <-> ST_SetSRID(ST_MakePoint(:easting, :northing), 4545) LIMIT :limit
) AS n WHERE n.distance_m <= :reach_m ORDER BY n.distance_m, n.id
""")
LOCK = text(f"""
SELECT r.id, r.kind, r.name, r.owner_unit, r.grid_code, r.capacity, r.status, r.version, r.note,
  ST_X(r.location) AS lon, ST_Y(r.location) AS lat, r.raw_x, r.raw_y, r.raw_crs, r.accuracy_m,
  r.contact_name, r.contact_phone
FROM resource r WHERE r.id = :id AND {READABLE} FOR NO KEY UPDATE
""")
FIND = text(f"""
SELECT r.id, r.kind, r.owner_unit, r.grid_code, r.capacity, r.status, r.contact_name,
  r.contact_phone
FROM resource r WHERE r.id = :id AND {READABLE}
""")
_POINTS = """
  ST_SetSRID(ST_MakePoint(:lon, :lat), 4490), ST_SetSRID(ST_MakePoint(:easting, :northing), 4545)
"""
INSERT = text(f"""
INSERT INTO resource (id, kind, name, owner_unit, grid_code, village_code, location, position,
  raw_x, raw_y, raw_crs, accuracy_m, capacity, note, contact_name, contact_phone, status, version,
  created_at, updated_at, cell)
VALUES (:id, :kind, :name, :owner_unit, :grid, left(:grid, 12), {_POINTS}, :raw_x, :raw_y,
  :raw_crs, :accuracy_m, :capacity, :note, :contact_name, :contact_phone, 'available', 1, :now,
  :now, :cell)
ON CONFLICT DO NOTHING
""")
CHANGE = text("""
UPDATE resource SET name = :name, capacity = :capacity, note = :note, status = :status,
  contact_name = :contact_name, contact_phone = :contact_phone, version = version + 1,
  updated_at = :now
WHERE id = :id
""")
MOVE = text(f"""
UPDATE resource SET grid_code = :grid, village_code = left(:grid, 12),
  (location, position) = ROW({_POINTS}), raw_x = :raw_x, raw_y = :raw_y, raw_crs = :raw_crs,
  accuracy_m = :accuracy_m, cell = :cell
WHERE id = :id
""")

LIVE = text("""
SELECT l.id, l.activation_id, l.quantity FROM allocation l
WHERE l.resource_id = :id AND l.released_at IS NULL
""")
ALLOCATE = text("""
INSERT INTO allocation (id, resource_id, activation_id, quantity, note, allocated_at, allocated_by)
VALUES (:id, :resource, :activation, :quantity, :note, :now, :actor)
""")
RELEASE = text("""
UPDATE allocation SET released_at = :now, released_by = :actor WHERE id = :id
""")
RELEASE_ALL = text("""
UPDATE allocation SET released_at = :now, released_by = :actor
WHERE activation_id = :activation AND released_at IS NULL
RETURNING resource_id
""")
ACTIVATED = text("""
SELECT EXISTS (SELECT FROM gw_activations_in_force(:area, :at) f WHERE NOT f.drill)
""")

OPEN_STOCK = text("""
INSERT INTO stock (resource_id, item_code, balance, outstanding, movements, updated_at)
VALUES (:resource, :item, 0, 0, 0, :now) ON CONFLICT DO NOTHING
""")
LOCK_STOCK = text("""
SELECT balance, outstanding, movements, updated_at FROM stock
WHERE resource_id = :resource AND item_code = :item FOR NO KEY UPDATE
""")
STORE_STOCK = text("""
UPDATE stock SET balance = :balance, outstanding = :outstanding, movements = movements + 1,
  updated_at = :now
WHERE resource_id = :resource AND item_code = :item
""")
ENTER = text("""
INSERT INTO stock_movement (id, resource_id, item_code, seq, kind, quantity, change, balance,
  activation_id, note, moved_at, moved_by)
VALUES (:id, :resource, :item, :seq, :kind, :quantity, :change, :balance, :activation, :note, :now,
  :actor)
ON CONFLICT (id) DO NOTHING
""")
MOVEMENTS = text("""
SELECT m.id, m.resource_id AS resource, m.item_code AS item, m.seq, m.kind, m.quantity, m.change,
  m.balance, m.activation_id AS activation, m.note, m.moved_at, m.moved_by
FROM stock_movement m
WHERE m.resource_id = :resource
  AND (CAST(:item AS text) IS NULL OR m.item_code = CAST(:item AS text))
  AND (CAST(:since AS timestamptz) IS NULL
    OR (m.moved_at, m.id) < (CAST(:since AS timestamptz), CAST(:after AS uuid)))
ORDER BY m.moved_at DESC, m.id DESC LIMIT :limit
""")
STOCK = text(f"""
SELECT s.resource_id AS resource, r.name AS resource_name, r.village_code AS village,
  s.item_code AS item, i.name_zh, i.name_en, i.measure_zh, i.measure_en, s.balance, s.outstanding,
  s.updated_at
FROM stock s JOIN resource r ON r.id = s.resource_id JOIN stock_item i ON i.code = s.item_code
WHERE {READABLE}
  AND (CAST(:resource AS uuid) IS NULL OR s.resource_id = CAST(:resource AS uuid))
  AND (CAST(:item AS text) IS NULL OR s.item_code = CAST(:item AS text))
  AND (CAST(:area AS text) IS NULL OR r.grid_code ^@ CAST(:area AS text))
  AND (CAST(:after AS uuid) IS NULL
    OR (s.resource_id, s.item_code) > (CAST(:after AS uuid), CAST(:after_item AS text)))
ORDER BY s.resource_id, s.item_code LIMIT :limit
""")
