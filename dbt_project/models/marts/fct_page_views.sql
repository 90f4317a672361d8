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

openers as (

    select
        *,
        first_value(visitor_id) over (
            partition by site_id, session_id
            order by event_at, event_id
        ) as opener_id
    from events
    where is_page_event

),

numbered_views as (

    select
        *,
        row_number() over (
            partition by site_id, session_id, page_view_id
            order by event_at, event_id
        ) as position_among_duplicates
    from openers
    where event_type = 'page_view'

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
    where event_name = 'engagement' and is_page_event
    group by site_id, session_id, page_view_id

),

positions as (

    select
        site_id,
        session_id,
        page_view_id,
        {{ json_number('metadata', 'scrollXMax') }} as scroll_x,
        {{ json_number('metadata', 'scrollYMax') }} as scroll_y,
        {{ json_number('metadata', 'viewportWidth') }} as viewport_width,
        {{ json_number('metadata', 'viewportHeight') }} as viewport_height,
        {{ json_number('metadata', 'documentWidth') }} as document_width,
        {{ json_number('metadata', 'documentHeight') }} as document_height
    from events
    where is_page_event

),

depths as (

    select
        site_id,
        session_id,
        page_view_id,
        max(document_width) as document_width,
        max(document_height) as document_height,
        max(viewport_width) as viewport_width,
        max(viewport_height) as viewport_height,
        least(greatest(max(coalesce(scroll_x, 0)), 0), max(document_width))
            as scroll_x,
        least(greatest(max(coalesce(scroll_y, 0)), 0), max(document_height))
            as scroll_y
    from positions
    where document_width > 0 and document_height > 0
    group by site_id, session_id, page_view_id

),

final as (

    select
        views.site_id,
        views.page_view_id,
        views.event_id,
        views.opener_id as visitor_id,
        views.stream_id,
        views.session_id,
        views.first_event_at,
        views.page_view_in_session_index,
        views.page_views_in_session,
        views.event_at as started_at,
        coalesce(engagements.ended_at, views.event_at) as ended_at,
        coalesce(engagements.engaged_seconds, 0) as engaged_seconds,
        {{ dbt.datediff(
            'views.event_at', 'coalesce(engagements.ended_at, views.event_at)', 'second'
        ) }} as absolute_seconds,
        depths.scroll_x as horizontal_pixels_scrolled,
        depths.scroll_y as vertical_pixels_scrolled,
        {{ percent_seen(
            'depths.scroll_x', 'depths.viewport_width', 'depths.document_width'
        ) }} as horizontal_percent_scrolled,
        {{ percent_seen(
            'depths.scroll_y', 'depths.viewport_height', 'depths.document_height'
        ) }} as vertical_percent_scrolled,
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
    left join depths
        on
            views.site_id = depths.site_id
            and views.session_id = depths.session_id
            and views.page_view_id = depths.page_view_id

)

select * from final
