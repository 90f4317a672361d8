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

with

new_events as (

    select
        *,
        coalesce(page_view_id, event_id) as measured_page_view_id
    from ({{ new_human_events(mark) }}) as human_events
    where event_name = 'web_vital'

),

new_measurements as (
    {% for metric in web_vital_metrics() %}
    select
        site_id,
        measured_page_view_id as page_view_id,
        '{{ metric }}' as metric,
        {{ dbt.safe_cast(json_text('metadata', metric), 'double') }} as value,
        event_id,
        visitor_id,
        event_at as measured_at,
        coalesce(url, 'unknown') as page_url,
        coalesce({{ json_text('metadata', 'device') }}, 'unknown') as device,
        coalesce({{ json_text('metadata', 'country') }}, 'unknown') as country
    from new_events
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

measurements as (

    select * from new_measurements
    where value is not null
    {%- if mark is not none %}
    union all
    select * from {{ this }} as known
    where
        exists (
            select 1
            from new_measurements
            where
                new_measurements.site_id = known.site_id
                and new_measurements.page_view_id = known.page_view_id
                and new_measurements.metric = known.metric
                and new_measurements.value is not null
        )
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
        value,
        event_id,
        visitor_id,
        measured_at,
        page_url,
        device,
        country
    from numbered
    where position_from_last = 1

)

select * from final
