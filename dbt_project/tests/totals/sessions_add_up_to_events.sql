-- Sessions hold every event that counts in a session with a page.
{{ disagreeing_sites(
    'select site_id, sum(events) as events from '
    ~ ref('fct_sessions') ~ ' group by site_id',
    'select events.site_id, count(*) as events from '
    ~ ref('int_events_sessionized') ~ ' as events inner join '
    ~ ref('fct_sessions') ~ ' as sessions on events.site_id = sessions.site_id '
    ~ 'and events.session_id = sessions.session_id group by events.site_id',
    ['events'],
) }}
