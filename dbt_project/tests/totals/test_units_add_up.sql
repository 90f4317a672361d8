-- Each exposed unit of a test is in one variant's units, left out for having seen
-- several, or in a variant that the test does not have.
with

exposures as (

    select
        exposures.experiment_id,
        count(*) as units,
        sum(
            case
                when exposures.variants_seen = 1 and variants.variant_id is null
                    then 1
                else 0
            end
        ) as units_of_no_variant
    from {{ ref('fct_exposures') }} as exposures
    inner join {{ ref('stg_experiments') }} as experiments
        on
            exposures.site_id = experiments.site_id
            and exposures.experiment_id = experiments.experiment_id
    left join {{ ref('stg_variants') }} as variants
        on
            exposures.experiment_id = variants.experiment_id
            and exposures.variant_id = variants.variant_id
    group by exposures.experiment_id

),

stats as (

    select
        experiment_id,
        sum(units) + max(units_multiple) as units
    from {{ ref('mart_experiment_stats') }}
    where metric = 'conversion'
    group by experiment_id

),

final as (

    select
        stats.experiment_id,
        stats.units as found_units,
        coalesce(exposures.units, 0) as expected_units,
        coalesce(exposures.units_of_no_variant, 0) as units_of_no_variant
    from stats
    left join exposures
        on stats.experiment_id = exposures.experiment_id

)

select * from final
where found_units + units_of_no_variant != expected_units
