-- Within each dimension the segments' units and conversions are the test's.
{{ config(tags=['hourly']) }}

with

segments as (

    select
        experiment_id,
        dimension,
        variation_index,
        sum(units) as units,
        sum(conversions) as conversions
    from {{ ref('mart_segment_stats') }}
    group by experiment_id, dimension, variation_index

),

stats as (

    select * from {{ ref('mart_experiment_stats') }}
    where metric = 'conversion'

),

final as (

    select
        segments.*,
        stats.units as expected_units,
        stats.conversions as expected_conversions
    from segments
    left join stats
        on
            segments.experiment_id = stats.experiment_id
            and segments.variation_index = stats.variation_index

)

select * from final
where
    expected_units is null
    or units <> expected_units
    or conversions <> expected_conversions
