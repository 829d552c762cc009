-- Joined to small tables by their hashes, so that the order of bench.drawn stays.
INSERT INTO incident (
  id, number, category_code, category_version, level, channel, description, occurred_at,
  reported_at, reporter_id, state, tier, version, head_hash, last_event_at, county_code,
  township_code, village_code, grid_code, location, raw_x, raw_y, raw_crs, accuracy_m, cell,
  unit_code, assignee_id, handler_ids, returns, verified_by, verification, closed_at,
  satisfaction, clauses, policy_version, amber_at, due_at, supervise_at, next_alarm_at, finish_due)
SELECT d.id, '511723-' || to_char(d.at AT TIME ZONE 'Asia/Shanghai', 'YYMMDD') || '-B' || d.n,
  k.code, k.version, k.level, (ARRAY['grid_worker', 'grid_worker', 'grid_worker', 'phone'])[1 + d.n % 4],
  (ARRAY['河滨路窨井盖缺失，已放置警示牌，请尽快处理', '村道路面塌陷约两平方米，过往车辆绕行',
    '邻里因排水沟走向发生争执，已初步劝解', '路灯连续三晚不亮，老人出行不便',
    '居民楼道堆放杂物堵塞疏散通道', '沟渠漂浮大量垃圾，有异味'])[1 + d.n % 6] || '（第' || d.n || '号）',
  d.at - interval '20 minutes', d.at, p.worker, s.state, t.tier, s.version,
  sha256(uuid_send(d.id)), d.at + s.lasted, left(p.code, 6), left(p.code, 9), left(p.code, 12),
  p.code, p.location, p.lon, p.lat, 'cgcs2000', 5 + d.n % 20, p.cell,
  CASE WHEN s.in_hands AND d.unit_chance < 15 THEN 'bench-unit-' || d.unit END,
  CASE WHEN s.in_hands AND d.unit_chance >= 15 THEN p.worker END,
  CASE WHEN s.handled THEN ARRAY[p.worker] ELSE '{{}}' END, 0,
  CASE WHEN s.judged THEN bench.account('village_dispatcher', 1 + d.n % 162) END,
  CASE WHEN s.judged THEN 'passed' END, CASE WHEN NOT d.is_open THEN d.at + s.lasted END,
  CASE WHEN s.state = 'followed_up' THEN 'satisfied' END, k.clauses,
  1, due.at - interval '9 hours', due.at, due.at + interval '6 hours', due.at - interval '9 hours',
  due.at
FROM bench.drawn d
JOIN bench.place p ON p.n = d.place
JOIN bench.kind k ON k.n = d.kind
JOIN bench.life s ON s.is_open = d.is_open AND s.chance = d.state_chance,
LATERAL (SELECT CASE WHEN d.tier_chance < 75 THEN 1 WHEN d.tier_chance < 92 THEN 2
  WHEN d.tier_chance < 98 THEN 3 ELSE 4 END AS tier) AS t,
LATERAL (SELECT CASE WHEN d.is_open
  THEN d.at + (86400 + abs(hashtext(d.id::text)) % 432000) * interval '1 second' END AS at) AS due
