-- A site's days hold every event once, a person's or a robot's.
{{ disagreeing_sites(
    'select site_id, sum(events) as events, sum(bot_events) as bot_events from '
    ~ ref('mart_site_daily') ~ ' group by site_id',
    'select site_id, sum(case when is_bot then 0 else 1 end) as events, '
    ~ 'sum(case when is_bot then 1 else 0 end) as bot_events from '
    ~ ref('stg_events') ~ ' group by site_id',
    ['events', 'bot_events'],
) }}
