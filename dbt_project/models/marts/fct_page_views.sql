{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        on_schema_change='fail',
        pre_hook=before_increment(['{{ delete_changed_sessions() }}']),
        post_hook=after_increment(['fct_sessions']),
    )
}}
{%- set since = keep_changed_streams(watermark()) %}

with

events as {{ not_materialized() }} (

    {{ events_of_changed_sessions(since) }}

),

page_events as {{ not_materialized() }} (

    select
        *,
        {{ json_number('metadata', 'documentWidth') }} as document_width,
        {{ json_number('metadata', 'documentHeight') }} as document_height
    from events
    where is_page_event

),

measured as {{ not_materialized() }} (

    select
        site_id,
        session_id,
        page_view_id,
        event_id,
        event_at,
        event_type,
        event_name = 'engagement' as is_engagement,
        url,
        referrer,
        device,
        country,
        case
            when event_type = 'page_view' then {{ json_text('metadata', 'title') }}
        end as title,
        {{ when_sized('document_width') }} as document_width,
        {{ when_sized('document_height') }} as document_height,
        {{ when_sized(json_number('metadata', 'viewportWidth')) }} as viewport_width,
        {{ when_sized(json_number('metadata', 'viewportHeight')) }}
            as viewport_height,
        {{ when_sized(json_number('metadata', 'scrollXMax')) }} as scroll_x,
        {{ when_sized(json_number('metadata', 'scrollYMax')) }} as scroll_y
    from page_events

),

pages as (

    select
        site_id,
        session_id,
        page_view_id,
        max(case when is_engagement then event_at end) as engaged_until,
        count(distinct case when is_engagement then {{ heartbeat('event_at') }} end)
            as heartbeats,
        max(document_width) as document_width,
        max(document_height) as document_height,
        max(viewport_width) as viewport_width,
        max(viewport_height) as viewport_height,
        max(scroll_x) as scroll_x,
        max(scroll_y) as scroll_y
    from measured
    group by site_id, session_id, page_view_id

),

-- by rank: an aggregate would hold every first view in memory, where a sort spills
ranked as (

    select
        *,
        row_number() over (
            partition by site_id, session_id, page_view_id
            order by event_at, event_id
        ) as rank_in_page_view
    from measured
    where event_type = 'page_view'

),

first_views as (

    select
        site_id,
        session_id,
        page_view_id,
        event_id,
        event_at,
        url,
        referrer,
        device,
        country,
        title
    from ranked
    where rank_in_page_view = 1

),

views as (

    select
        first_views.*,
        pages.heartbeats,
        pages.document_width,
        pages.document_height,
        pages.viewport_width,
        pages.viewport_height,
        pages.scroll_x,
        pages.scroll_y,
        first_views.event_at as started_at,
        coalesce(pages.engaged_until, first_views.event_at) as ended_at
    from first_views
    inner join pages
        on
            first_views.site_id = pages.site_id
            and first_views.session_id = pages.session_id
            and first_views.page_view_id = pages.page_view_id

),

numbered as (

    select
        *,
        row_number() over (
            partition by site_id, session_id
            order by started_at, event_id
        ) as page_view_in_session_index,
        count(*) over (
            partition by site_id, session_id
        ) as page_views_in_session
    from views

),

final as (

    select
        numbered.site_id,
        numbered.page_view_id,
        numbered.event_id,
        sessions.visitor_id,
        sessions.stream_id,
        numbered.session_id,
        sessions.first_event_at,
        numbered.page_view_in_session_index,
        numbered.page_views_in_session,
        numbered.started_at,
        numbered.ended_at,
        case
            when numbered.heartbeats > 0
                then {{ engaged_seconds('numbered.heartbeats', 1) }}
            else 0
        end as engaged_seconds,
        {{ dbt.datediff(
            'numbered.started_at', 'numbered.ended_at', 'second'
        ) }} as absolute_seconds,
        {{ pixels_scrolled(
            'numbered.scroll_x', 'numbered.document_width'
        ) }} as horizontal_pixels_scrolled,
        {{ pixels_scrolled(
            'numbered.scroll_y', 'numbered.document_height'
        ) }} as vertical_pixels_scrolled,
        {{ percent_seen(
            'numbered.scroll_x', 'numbered.viewport_width', 'numbered.document_width'
        ) }} as horizontal_percent_scrolled,
        {{ percent_seen(
            'numbered.scroll_y', 'numbered.viewport_height', 'numbered.document_height'
        ) }} as vertical_percent_scrolled,
        numbered.title,
        numbered.url,
        {{ url_part('numbered.url', 'scheme') }} as url_scheme,
        {{ url_part('numbered.url', 'host') }} as url_host,
        {{ url_part('numbered.url', 'path') }} as url_path,
        {{ url_part('numbered.url', 'query') }} as url_query,
        {{ url_part('numbered.url', 'fragment') }} as url_fragment,
        numbered.referrer,
        sessions.channel,
        numbered.device,
        numbered.country
    from numbered
    inner join {{ ref('fct_sessions') }} as sessions
        on
            numbered.site_id = sessions.site_id
            and numbered.session_id = sessions.session_id

)

-- in the order of time, so that a look for recent views skips the rest
select * from final
order by started_at
