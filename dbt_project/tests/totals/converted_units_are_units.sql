-- No more units convert than there are, and the two metrics count the same units.
with

final as (

    select
        experiment_id,
        variation_index,
        min(units) as least_units,
        max(units) as most_units,
        max(conversions) as conversions,
        max(case when metric = 'conversion' then value_sum end) as converted_units
    from {{ ref('mart_experiment_stats') }}
    group by experiment_id, variation_index

)

select * from final
where
    least_units != most_units
    or conversions > least_units
    or converted_units != conversions
