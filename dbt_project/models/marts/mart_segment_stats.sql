{{ config(tags=['hourly']) }}

with

variants as (

    select * from {{ ref('stg_variants') }}

),

experiments as (

    select * from {{ ref('stg_experiments') }}

),

profiles as (

    select
        segments.site_id,
        segments.experiment_id,
        segments.variant_id,
        {%- for dimension in segment_dimensions() %}
        coalesce(segments.{{ dimension }}, 'unknown') as {{ dimension }},
        {%- endfor %}
        count(*) as units,
        count(outcomes.unit_id) as conversions
    from {{ ref('int_unit_segments') }} as segments
    inner join experiments
        on
            segments.site_id = experiments.site_id
            and segments.experiment_id = experiments.experiment_id
    left join {{ ref('int_unit_outcomes') }} as outcomes
        on
            segments.site_id = outcomes.site_id
            and segments.experiment_id = outcomes.experiment_id
            and segments.unit_id = outcomes.unit_id
            and experiments.goal_type = outcomes.goal_type
    where not segments.is_multiple
    group by
        segments.site_id,
        segments.experiment_id,
        segments.variant_id,
        {%- for dimension in segment_dimensions() %}
        coalesce(segments.{{ dimension }}, 'unknown'){{ ',' if not loop.last }}
        {%- endfor %}

),

by_dimension as (

    {%- for dimension in segment_dimensions() %}
    select
        experiment_id,
        variant_id,
        '{{ dimension }}' as dimension,
        {{ dimension }} as segment,
        sum(units) as units,
        sum(conversions) as conversions
    from profiles
    group by experiment_id, variant_id, {{ dimension }}
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}

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
