-- Workers of several grids each, dispatchers of every tier, units with a handler each.
CREATE TABLE bench.person AS
SELECT 'grid_worker' AS role, w.worker::bigint AS n, w.code AS area, NULL::text AS unit
FROM bench.ward w
UNION ALL
SELECT 'village_dispatcher', row_number() OVER (ORDER BY code), code, NULL
FROM division WHERE level = 'village'
UNION ALL
SELECT 'township_dispatcher', row_number() OVER (ORDER BY code), code, NULL
FROM division WHERE level = 'township'
UNION ALL
SELECT 'county_dispatcher', 1, code, NULL FROM division WHERE level = 'county'
UNION ALL
SELECT 'unit_handler', n, code, 'bench-unit-' || n
FROM division, generate_series(1, {units}) AS n WHERE level = 'county';

INSERT INTO unit (code, name_zh, name_en, tier, area_code, active)
SELECT unit, '测试单位 ' || n, 'Benchmark unit ' || n, 4, area, true
FROM bench.person WHERE unit IS NOT NULL;

INSERT INTO account (id, login, name, kind, status, failed_logins, created_at)
SELECT DISTINCT bench.account(role, n), 'bench-' || role || '-' || n, '测试员 ' || n, 'person',
  'active', 0, now()
FROM bench.person;

INSERT INTO assignment (id, account_id, role, area_code, unit_code, valid_from, created_at)
SELECT gen_random_uuid(), bench.account(role, n), role, area, unit, now() - interval '3 years', now()
FROM bench.person;
