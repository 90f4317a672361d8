-- Of the raw records with one id exactly one is in staging.
{{ disagreeing_sites(
    'select site_id, count(distinct event_id) as events from '
    ~ source('raw', 'events') ~ ' group by site_id',
    'select site_id, count(*) as events from '
    ~ ref('stg_events') ~ ' group by site_id',
    ['events'],
) }}
