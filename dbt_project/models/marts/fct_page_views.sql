{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        on_schema_change='fail',
        pre_hook=before_increment(['{{ delete_changed_sessions() }}']),
        post_hook=after_increment(['int_sessions']),
    )
}}
{%- set mark = watermark() %}

with

events as (

    {{ events_of_changed_sessions(mark) }}

),

numbered_views as (

    select
        *,
        row_number() over (
            partition by site_id, page_view_id
            order by event_at, event_id
        ) as position_among_duplicates
    from events
    where
        event_type = 'page_view'
        and page_view_id is not null

),

views as (

    select
        *,
        row_number() over (
            partition by site_id, session_id
            order by event_at, event_id
        ) as page_view_in_session_index,
        count(*) over (
            partition by site_id, session_id
        ) as page_views_in_session
    from numbered_views
    where position_among_duplicates = 1

),

engagements as (

    select
        site_id,
        session_id,
        page_view_id,
        max(event_at) as ended_at,
        {{ engaged_seconds('count(distinct ' ~ heartbeat('event_at') ~ ')', 1) }}
            as engaged_seconds
    from events
    where
        event_name = 'engagement'
        and page_view_id is not null
    group by site_id, session_id, page_view_id

),

final as (

    select
        views.site_id,
        views.page_view_id,
        views.event_id,
        views.visitor_id,
        views.stream_id,
        views.session_id,
        views.session_started_at,
        views.page_view_in_session_index,
        views.page_views_in_session,
        views.event_at as started_at,
        coalesce(engagements.ended_at, views.event_at) as ended_at,
        coalesce(engagements.engaged_seconds, 0) as engaged_seconds,
        {{ json_text('views.metadata', 'title') }} as title,
        views.url,
        {{ url_part('views.url', 'scheme') }} as url_scheme,
        {{ url_part('views.url', 'host') }} as url_host,
        {{ url_part('views.url', 'path') }} as url_path,
        {{ url_part('views.url', 'query') }} as url_query,
        {{ url_part('views.url', 'fragment') }} as url_fragment,
        views.referrer,
        {{ json_text('views.metadata', 'device') }} as device,
        {{ json_text('views.metadata', 'country') }} as country
    from views
    left join engagements
        on
            views.site_id = engagements.site_id
            and views.session_id = engagements.session_id
            and views.page_view_id = engagements.page_view_id

)

select * from final
