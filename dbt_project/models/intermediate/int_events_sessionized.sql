with

events as (

    select * from {{ ref('stg_events') }}
    where not is_bot

),

sessions as (

    select * from {{ ref('int_sessions') }}

),

final as (

    select
        events.*,
        sessions.session_id,
        sessions.started_at as first_event_at,
        events.event_type = 'page_view'
        or (events.event_name = 'engagement' and events.page_view_id is not null)
            as is_page_event
    from events
    inner join sessions
        on
            events.site_id = sessions.site_id
            and events.stream_id = sessions.stream_id
            and events.event_at >= sessions.started_at
            and events.event_at <= sessions.last_event_at
            and events.event_at <= sessions.counted_until

)

select * from final
