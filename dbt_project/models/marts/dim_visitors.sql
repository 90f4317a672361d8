{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        on_schema_change='fail',
        pre_hook=before_increment(['{{ delete_changed_visitors() }}']),
        post_hook=after_increment(['fct_sessions', 'fct_conversions']),
    )
}}
{%- set mark = watermark() %}
{%- do keep_changed_visitors(mark) %}

with

sessions as (

    select
        *,
        row_number() over (
            partition by site_id, visitor_id
            order by started_at asc, session_id desc
        ) as session_number,
        row_number() over (
            partition by site_id, visitor_id
            order by ended_at desc, session_id desc
        ) as session_number_from_end
    from {{ ref('fct_sessions') }}
    {%- if mark is not none %}
    where {{ among_kept('changed_visitors', ['site_id', 'visitor_id']) }}
    {%- endif %}

),

session_totals as (

    select
        site_id,
        visitor_id,
        min(started_at) as first_seen_at,
        max(ended_at) as last_seen_at,
        count(*) as sessions,
        cast(sum(page_views) as bigint) as page_views,
        cast(sum(engaged_seconds) as bigint) as engaged_seconds,
        max(case when session_number = 1 then first_page_url end) as first_page_url,
        max(case when session_number = 1 then first_page_title end)
            as first_page_title,
        max(case when session_number_from_end = 1 then last_page_url end)
            as last_page_url,
        max(case when session_number_from_end = 1 then last_page_title end)
            as last_page_title,
        max(case when session_number = 1 then referrer end) as referrer,
        max(case when session_number = 1 then session_id end) as first_session_id,
        max(case when session_number = 1 then traffic_source end) as first_source,
        max(case when session_number = 1 then channel end) as first_channel,
        max(case when is_cookieless then 1 else 0 end) as cookieless
    from sessions
    group by site_id, visitor_id

),

conversion_totals as (

    select
        site_id,
        visitor_id,
        min(converted_at) as first_converted_at,
        max(converted_at) as last_converted_at,
        count(*) as conversions,
        cast(sum(value_cents) as bigint) as value_cents,
        max(case when is_cookieless then 1 else 0 end) as cookieless
    from {{ ref('fct_conversions') }}
    {%- if mark is not none %}
    where {{ among_kept('changed_visitors', ['site_id', 'visitor_id']) }}
    {%- endif %}
    group by site_id, visitor_id

),

final as (

    select
        coalesce(session_totals.site_id, conversion_totals.site_id) as site_id,
        coalesce(session_totals.visitor_id, conversion_totals.visitor_id)
            as visitor_id,
        least(
            session_totals.first_seen_at, conversion_totals.first_converted_at
        ) as first_seen_at,
        greatest(
            session_totals.last_seen_at, conversion_totals.last_converted_at
        ) as last_seen_at,
        coalesce(session_totals.sessions, 0) as sessions,
        coalesce(session_totals.page_views, 0) as page_views,
        coalesce(session_totals.engaged_seconds, 0) as engaged_seconds,
        coalesce(conversion_totals.conversions, 0) as conversions,
        coalesce(conversion_totals.value_cents, 0) as value_cents,
        session_totals.first_page_url,
        session_totals.first_page_title,
        session_totals.last_page_url,
        session_totals.last_page_title,
        session_totals.referrer,
        session_totals.first_session_id,
        session_totals.first_source,
        session_totals.first_channel,
        greatest(session_totals.cookieless, conversion_totals.cookieless) = 1
            as is_cookieless
    from session_totals
    full outer join conversion_totals
        on
            session_totals.site_id = conversion_totals.site_id
            and session_totals.visitor_id = conversion_totals.visitor_id

)

select * from final
