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
        {{ json_text('metadata', 'experimentId') }} as experiment_id,
        {{ json_text('metadata', 'variationId') }} as variant_id,
        unit_id,
        event_at as exposed_at,
        is_cookieless,
        log_partition,
        log_offset
    from new_events
    where
        event_name = 'experiment_viewed'
        and {{ json_text('metadata', 'experimentId') }} is not null
        and {{ json_text('metadata', 'variationId') }} is not null

)

select * from final
