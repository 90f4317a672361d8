-- A site's reasons hold every event of a bot once.
{{ disagreeing_sites(
    'select site_id, sum(events) as events from '
    ~ ref('mart_bot_daily') ~ ' group by site_id',
    'select site_id, sum(bot_events) as events from '
    ~ ref('mart_site_daily') ~ ' group by site_id',
    ['events'],
) }}
