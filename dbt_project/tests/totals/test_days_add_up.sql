-- The days' units and conversions are the test's.
{{ config(tags=['hourly']) }}

with

days as (

    select
        experiment_id,
        variation_index,
        sum(units) as units,
        sum(conversions) as conversions
    from {{ ref('mart_experiment_daily_stats') }}
    group by experiment_id, variation_index

),

stats as (

    select * from {{ ref('mart_experiment_stats') }}
    where metric = 'conversion'

),

final as (

    select
        stats.experiment_id,
        stats.variation_index,
        stats.units as expected_units,
        stats.conversions as expected_conversions,
        coalesce(days.units, 0) as units,
        coalesce(days.conversions, 0) as conversions
    from stats
    left join days
        on
            stats.experiment_id = days.experiment_id
            and stats.variation_index = days.variation_index

)

select * from final
where units <> expected_units or conversions <> expected_conversions
