-- Where a metric keeps nobody out for a window, its units are the test's.
with

metrics as (

    select * from {{ ref('mart_metric_stats') }}

),

stats as (

    select * from {{ ref('mart_experiment_stats') }}
    where metric = 'conversion'

),

definitions as (

    select * from {{ ref('stg_metrics') }}

),

final as (

    select
        metrics.experiment_id,
        metrics.metric_id,
        metrics.variation_index,
        metrics.units
        + case
            when definitions.is_mature_only then metrics.units_pending
            else 0
        end as found_units,
        stats.units as expected_units
    from metrics
    inner join definitions
        on
            metrics.experiment_id = definitions.experiment_id
            and metrics.metric_id = definitions.metric_id
    left join stats
        on
            metrics.experiment_id = stats.experiment_id
            and metrics.variation_index = stats.variation_index

)

select * from final
where expected_units is null or found_units != expected_units
