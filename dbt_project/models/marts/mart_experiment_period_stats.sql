{{ config(materialized='view') }}

with

variants as (

    select * from {{ ref('stg_variants') }}

),

experiments as (

    select * from {{ ref('stg_experiments') }}

),

weights as (

    select * from {{ ref('stg_weights') }}

),

exposures as (

    select * from {{ ref('fct_exposures') }}

),

sightings as (

    select * from {{ ref('int_exposures') }}

),

conversions as (

    select * from {{ ref('fct_conversions') }}

),

moments as (

    select distinct
        experiment_id,
        from_at
    from weights

),

spans as (

    select
        experiment_id,
        from_at,
        lead(from_at) over (partition by experiment_id order by from_at) as until_at,
        count(*) over (partition by experiment_id) as periods
    from moments

),

periods as (

    select
        spans.experiment_id,
        spans.from_at,
        spans.until_at,
        experiments.site_id,
        experiments.goal_type
    from spans
    inner join experiments
        on spans.experiment_id = experiments.experiment_id
    where spans.periods > 1

),

units as (

    select
        periods.site_id,
        periods.experiment_id,
        periods.goal_type,
        periods.from_at,
        periods.until_at,
        exposures.unit_id,
        exposures.variant_id,
        exposures.first_exposed_at
    from exposures
    inner join periods
        on
            exposures.site_id = periods.site_id
            and exposures.experiment_id = periods.experiment_id
            and exposures.first_exposed_at >= periods.from_at
            and (
                periods.until_at is null
                or exposures.first_exposed_at < periods.until_at
            )

),

multiples as (

    select distinct
        units.site_id,
        units.experiment_id,
        units.unit_id
    from units
    inner join sightings
        on
            units.site_id = sightings.site_id
            and units.experiment_id = sightings.experiment_id
            and units.unit_id = sightings.unit_id
            and units.variant_id <> sightings.variant_id
            and (
                units.until_at is null or units.until_at > sightings.exposed_at
            )

),

converted as (

    select distinct
        units.site_id,
        units.experiment_id,
        units.unit_id
    from units
    inner join conversions
        on
            units.site_id = conversions.site_id
            and units.unit_id = conversions.unit_id
            and units.goal_type = conversions.goal_type
            and units.first_exposed_at <= conversions.converted_at
            and (
                units.until_at is null or units.until_at > conversions.converted_at
            )

),

counted as (

    select
        units.experiment_id,
        units.from_at,
        units.variant_id,
        sum(case when multiples.unit_id is null then 1 else 0 end) as units,
        sum(
            case
                when multiples.unit_id is null and converted.unit_id is not null
                    then 1
                else 0
            end
        ) as conversions,
        sum(case when multiples.unit_id is not null then 1 else 0 end)
            as units_multiple
    from units
    left join multiples
        on
            units.site_id = multiples.site_id
            and units.experiment_id = multiples.experiment_id
            and units.unit_id = multiples.unit_id
    left join converted
        on
            units.site_id = converted.site_id
            and units.experiment_id = converted.experiment_id
            and units.unit_id = converted.unit_id
    group by units.experiment_id, units.from_at, units.variant_id

),

final as (

    select
        periods.experiment_id,
        periods.from_at,
        variants.variation_index,
        periods.site_id,
        variants.variant_id,
        periods.until_at,
        weights.weight,
        cast(coalesce(counted.units, 0) as bigint) as units,
        cast(coalesce(counted.conversions, 0) as bigint) as conversions,
        cast(coalesce(counted.units_multiple, 0) as bigint) as units_multiple
    from periods
    inner join variants
        on periods.experiment_id = variants.experiment_id
    inner join weights
        on
            periods.experiment_id = weights.experiment_id
            and periods.from_at = weights.from_at
            and variants.variation_index = weights.variation_index
    left join counted
        on
            periods.experiment_id = counted.experiment_id
            and periods.from_at = counted.from_at
            and variants.variant_id = counted.variant_id

)

select * from final
