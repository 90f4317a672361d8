{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=['site_id', 'page_view_id', 'metric'],
        on_schema_change='fail',
        pre_hook=before_increment(),
        post_hook=after_increment(['stg_events']),
    )
}}
{%- set mark = watermark() %}
{%- do keep(
    'changed_page_views',
    mark,
    'select distinct site_id, coalesce(page_view_id, event_id) as page_view_id '
    ~ 'from (' ~ new_human_events(mark) ~ ') as human_events '
    ~ "where event_name = 'web_vital'"
) %}

with

new_events as (

    select
        *,
        coalesce(page_view_id, event_id) as measured_page_view_id
    from ({{ new_human_events(mark) }}) as human_events
    where event_name = 'web_vital'

),

metrics as (

    {{ web_vital_metrics() }}

),

new_measurements as (

    select
        new_events.site_id,
        new_events.measured_page_view_id as page_view_id,
        metrics.metric,
        {{ web_vital_value(
            'new_events.metadata', 'metrics.metric'
        ) }} as metric_value,
        new_events.event_id,
        new_events.visitor_id,
        new_events.event_at as measured_at,
        coalesce(new_events.url, 'unknown') as page_url,
        coalesce(new_events.device, 'unknown')
            as device,
        coalesce(new_events.country, 'unknown')
            as country
    from new_events
    cross join metrics

),

measurements as (

    select * from new_measurements
    where metric_value is not null
    {%- if mark is not none %}
    union all
    select * from {{ this }}
    where {{ among_kept('changed_page_views', ['site_id', 'page_view_id']) }}
    {%- endif %}

),

numbered as (

    select
        *,
        row_number() over (
            partition by site_id, page_view_id, metric
            order by measured_at desc, event_id desc
        ) as position_from_last
    from measurements

),

final as (

    select
        site_id,
        page_view_id,
        metric,
        metric_value,
        event_id,
        visitor_id,
        measured_at,
        page_url,
        device,
        country
    from numbered
    where position_from_last = 1

)

-- in the order of time, so that a look for recent values skips the rest
select * from final
order by measured_at
