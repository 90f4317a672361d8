-- A site's days hold every conversion and its value once.
{{ disagreeing_sites(
    'select site_id, sum(conversions) as conversions, '
    ~ 'sum(conversion_value_cents) as value_cents from '
    ~ ref('mart_site_daily') ~ ' group by site_id',
    'select site_id, count(*) as conversions, sum(value_cents) as value_cents from '
    ~ ref('fct_conversions') ~ ' group by site_id',
    ['conversions', 'value_cents'],
) }}
