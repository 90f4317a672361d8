{{ config(tags=['hourly']) }}

with

variants as (

    select * from {{ ref('stg_variants') }}

),

experiments as (

    select * from {{ ref('stg_experiments') }}

),

outcomes as (

    select * from {{ ref('int_unit_outcomes') }}

),

profiles as (

    select
        segments.experiment_id,
        segments.variant_id,
        segments.channel,
        segments.country,
        segments.device,
        segments.visitor_type,
        count(*) as units,
        count(outcomes.unit_id) as conversions
    from {{ ref('int_unit_segments') }} as segments
    inner join experiments
        on
            segments.site_id = experiments.site_id
            and segments.experiment_id = experiments.experiment_id
    left join outcomes
        on
            segments.site_id = outcomes.site_id
            and segments.experiment_id = outcomes.experiment_id
            and segments.unit_id = outcomes.unit_id
            and experiments.goal_type = outcomes.goal_type
    where not segments.is_multiple
    group by
        segments.experiment_id,
        segments.variant_id,
        segments.channel,
        segments.country,
        segments.device,
        segments.visitor_type

),

dimensions as (

    select 'channel' as dimension
    union all
    select 'country' as dimension
    union all
    select 'device' as dimension
    union all
    select 'visitor_type' as dimension

),

named as (

    select
        profiles.experiment_id,
        profiles.variant_id,
        dimensions.dimension,
        profiles.units,
        profiles.conversions,
        coalesce(
            case dimensions.dimension
                when 'channel' then profiles.channel
                when 'country' then profiles.country
                when 'device' then profiles.device
                else profiles.visitor_type
            end,
            'unknown'
        ) as segment
    from profiles
    cross join dimensions

),

by_dimension as (

    select
        experiment_id,
        variant_id,
        dimension,
        segment,
        sum(units) as units,
        sum(conversions) as conversions
    from named
    group by experiment_id, variant_id, dimension, segment

),

segments as (

    select distinct
        experiment_id,
        dimension,
        segment
    from by_dimension

),

final as (

    select
        segments.experiment_id,
        segments.dimension,
        segments.segment,
        variants.variation_index,
        experiments.site_id,
        variants.variant_id,
        cast(coalesce(by_dimension.units, 0) as bigint) as units,
        cast(coalesce(by_dimension.conversions, 0) as bigint) as conversions
    from segments
    inner join experiments
        on segments.experiment_id = experiments.experiment_id
    inner join variants
        on segments.experiment_id = variants.experiment_id
    left join by_dimension
        on
            segments.experiment_id = by_dimension.experiment_id
            and segments.dimension = by_dimension.dimension
            and segments.segment = by_dimension.segment
            and variants.variant_id = by_dimension.variant_id

)

select * from final
