-- What the bulk of the benchmark data is drawn from: repeatable chances, ids and places.
CREATE SCHEMA bench;

-- A whole number from 0 to choices - 1, the same for the same n and salt.
CREATE FUNCTION bench.pick(n bigint, salt int, choices int) RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT ((hashint8extended(n, salt) & 9223372036854775807) % choices)::int $$;

-- A UUIDv7 of that moment, the same for the same n.
CREATE FUNCTION bench.case_id(at timestamptz, n bigint) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$
  SELECT overlay(
    overlay(md5('case ' || n) PLACING
      lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' FROM 1)
    PLACING '8' FROM 17)::uuid
$$;

-- A new UUIDv7, as a client makes one.
CREATE FUNCTION bench.new_id() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS
$$ SELECT bench.case_id(clock_timestamp(), (random() * 9e15)::bigint) $$;

CREATE FUNCTION bench.account(role text, n bigint) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT md5(role || ' ' || n)::uuid $$;

-- Basic grids in code order, with the worker who looks after each.
CREATE TABLE bench.ward AS
SELECT g.code, (row_number() OVER (ORDER BY g.code) - 1)::int AS n,
  ntile({workers}) OVER (ORDER BY g.code) AS worker, v.geom, coalesce(v.households, 100) AS households
FROM grid g JOIN grid_version v ON v.code = g.code AND v.valid_to IS NULL
WHERE g.kind = 'basic' AND g.retired_at IS NULL;

-- Places inside the grids, more where more people live.
CREATE TABLE bench.place AS
SELECT (row_number() OVER (ORDER BY code, lon, lat) - 1)::int AS n, code,
  bench.account('grid_worker', worker) AS worker,
  ST_SetSRID(ST_MakePoint(lon, lat), 4490)::geometry(Point, 4490) AS location, lon, lat,
  (floor((lat + 90) * 50) * 18000 + floor((lon + 180) * 50))::int AS cell
FROM (
  SELECT w.code, w.worker, ST_X(d.geom) AS lon, ST_Y(d.geom) AS lat
  FROM bench.ward w,
    LATERAL ST_DumpPoints(ST_GeneratePoints(w.geom, 5 + w.households / 6, w.n + 1)) d
) AS drawn;

CREATE TABLE bench.kind AS
SELECT (row_number() OVER (ORDER BY c.code) - 1)::int AS n, c.code, c.level, c.version, c.clauses
FROM category c JOIN category_set s ON s.version = c.version AND s.status = 'published'
WHERE c.level IS NOT NULL AND c.active;

-- How cases stand, for each of a hundred chances.
CREATE TABLE bench.life AS
SELECT is_open, chance, state, version, lasted::interval, in_hands, handled, judged
FROM (VALUES
  (true, 0, 29, 'reported', 1, '0', false, false, false),
  (true, 30, 44, 'accepted', 2, '10 min', true, false, false),
  (true, 45, 59, 'assigned', 3, '30 min', true, false, false),
  (true, 60, 69, 'on_site', 4, '1 h', true, true, false),
  (true, 70, 89, 'handling', 5, '2 h', true, true, false),
  (true, 90, 94, 'submitted', 6, '3 h', true, true, false),
  (true, 95, 97, 'verifying', 7, '4 h', true, true, true),
  (true, 98, 99, 'returned', 4, '2 h', false, false, false),
  (false, 0, 69, 'closed', 8, '8 h', true, true, true),
  (false, 70, 91, 'followed_up', 9, '24 h', true, true, true),
  (false, 92, 95, 'rejected', 2, '1 h', false, false, false),
  (false, 96, 97, 'merged', 2, '1 h', false, false, false),
  (false, 98, 99, 'void', 2, '1 h', false, false, false)
) AS l(is_open, low, high, state, version, lasted, in_hands, handled, judged),
  generate_series(low, high) AS chance;

ANALYZE bench.place, bench.kind, bench.life;
