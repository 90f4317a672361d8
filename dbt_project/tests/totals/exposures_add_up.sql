-- Units hold every exposure event of a site once.
{{ disagreeing_sites(
    'select site_id, sum(exposures) as exposures from '
    ~ ref('fct_exposures') ~ ' group by site_id',
    'select site_id, count(*) as exposures from '
    ~ ref('int_exposures') ~ ' group by site_id',
    ['exposures'],
) }}
