{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        on_schema_change='fail',
        pre_hook=before_increment(),
        post_hook=after_increment(['stg_events']),
    )
}}
{%- set mark = watermark() %}

with

new_events as (

    {{ new_human_events(mark) }}

),

final as (

    select
        site_id,
        event_id,
        goal_type,
        visitor_id,
        unit_id,
        event_at as converted_at,
        coalesce(value_cents, 0) as value_cents,
        url,
        is_cookieless,
        origin,
        log_partition,
        log_offset
    from new_events
    where event_type = 'conversion'

)

select * from final
