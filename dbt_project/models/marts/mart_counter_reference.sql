{{ config(materialized='view') }}

with

events as (

    select
        *,
        {{ json_text('metadata', 'experimentId') }} as experiment_id,
        {{ json_text('metadata', 'variationId') }} as variant_id,
        {{ dbt.date_trunc('minute', 'received_at') }} as minute_at
    from {{ ref('stg_events') }}
    where
        log_partition = 'live'
        and origin = 'live'
        and bot_reason is null

),

newest as (

    select max(received_at) as received_at from events

),

recent as (

    select events.*
    from events
    cross join newest
    where
        events.received_at >= {{ dbt.dateadd(
            'hour', -var('counter_reference_hours'), 'newest.received_at'
        ) }}

),

exposures as (

    select
        site_id,
        unit_id,
        experiment_id,
        variant_id,
        event_at,
        minute_at,
        log_offset
    from events
    where
        event_name = 'experiment_viewed'
        and event_type = 'interaction'
        and length(experiment_id) between 1 and 128
        and length(variant_id) between 1 and 128

),

numbered as (

    select
        *,
        row_number() over (
            partition by site_id, experiment_id, unit_id
            order by log_offset
        ) as exposure_number
    from exposures

),

first_exposures as (

    select * from numbered
    where exposure_number = 1

),

conversions as (

    select * from recent
    where event_type = 'conversion'

),

attributed as (

    select
        conversions.site_id,
        first_exposures.experiment_id,
        first_exposures.variant_id,
        conversions.goal_type,
        conversions.minute_at,
        conversions.value_cents
    from conversions
    inner join first_exposures
        on
            conversions.site_id = first_exposures.site_id
            and conversions.unit_id = first_exposures.unit_id
            and conversions.log_offset > first_exposures.log_offset
            and conversions.event_at >= first_exposures.event_at

),

metrics as (

    {{ web_vital_metrics() }}

),

web_vitals as (

    select
        recent.site_id,
        recent.minute_at,
        metrics.metric,
        {{ web_vital_value('recent.metadata', 'metrics.metric') }} as metric_value
    from recent
    cross join metrics
    where
        recent.event_name = 'web_vital'
        and recent.event_type = 'interaction'

),

counted as (

    select
        site_id,
        minute_at,
        '' as experiment_id,
        '' as variant_id,
        '' as goal_type,
        'page_views' as measure,
        1 as amount
    from recent
    where event_type = 'page_view'
    union all
    select
        site_id,
        minute_at,
        '' as experiment_id,
        '' as variant_id,
        '' as goal_type,
        'errors' as measure,
        1 as amount
    from recent
    where
        event_name = 'error'
        and event_type = 'interaction'
    union all
    select
        site_id,
        minute_at,
        '' as experiment_id,
        '' as variant_id,
        '' as goal_type,
        {{ dbt.concat(['metric', "'_measured'"]) }} as measure,
        1 as amount
    from web_vitals
    where metric_value is not null
    union all
    select
        site_id,
        minute_at,
        '' as experiment_id,
        '' as variant_id,
        '' as goal_type,
        {{ dbt.concat(['metric', "'_poor'"]) }} as measure,
        1 as amount
    from web_vitals
    where
        metric_value is not null
        and {{ web_vital_rating('metric', 'metric_value') }} = 'poor'
    union all
    select
        site_id,
        minute_at,
        experiment_id,
        variant_id,
        '' as goal_type,
        'exposures' as measure,
        1 as amount
    from exposures
    union all
    select
        site_id,
        minute_at,
        experiment_id,
        variant_id,
        '' as goal_type,
        'units' as measure,
        1 as amount
    from first_exposures
    union all
    select
        site_id,
        minute_at,
        '' as experiment_id,
        '' as variant_id,
        goal_type,
        'conversions' as measure,
        1 as amount
    from conversions
    union all
    select
        site_id,
        minute_at,
        '' as experiment_id,
        '' as variant_id,
        goal_type,
        'value_cents' as measure,
        value_cents as amount
    from conversions
    where value_cents <> 0
    union all
    select
        site_id,
        minute_at,
        experiment_id,
        variant_id,
        goal_type,
        'conversions' as measure,
        1 as amount
    from attributed
    union all
    select
        site_id,
        minute_at,
        experiment_id,
        variant_id,
        goal_type,
        'value_cents' as measure,
        value_cents as amount
    from attributed
    where value_cents <> 0

),

final as (

    select
        counted.site_id,
        counted.minute_at,
        counted.experiment_id,
        counted.variant_id,
        counted.goal_type,
        counted.measure,
        cast(sum(counted.amount) as bigint) as amount
    from counted
    cross join newest
    where
        counted.minute_at > {{ dbt.dateadd(
            'hour', -var('counter_reference_hours'), 'newest.received_at'
        ) }}
    group by
        counted.site_id,
        counted.minute_at,
        counted.experiment_id,
        counted.variant_id,
        counted.goal_type,
        counted.measure

)

select * from final
