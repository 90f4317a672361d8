{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=['site_id', 'experiment_id', 'unit_id'],
        on_schema_change='fail',
        tags=['hourly'],
        pre_hook=before_increment(),
        post_hook=after_increment(
            ['fct_exposures', 'fct_sessions', 'dim_visitors']
        ),
    )
}}
{%- set mark = watermark() %}
{%- set keys = ['site_id', 'experiment_id', 'unit_id'] %}
{%- do keep_changed_segments(mark) %}

with

exposures as (

    select * from {{ ref('fct_exposures') }}
    {%- if mark is not none %}
    where {{ among_kept('changed_units', keys) }}
    {%- endif %}

),

sightings as (

    select
        *,
        row_number() over (
            partition by site_id, experiment_id, unit_id
            order by exposed_at, event_id
        ) as exposure_number
    from {{ ref('int_exposures') }}
    {%- if mark is not none %}
    where {{ among_kept('changed_units', keys) }}
    {%- endif %}

),

first_sightings as (

    select
        sightings.site_id,
        sightings.experiment_id,
        sightings.unit_id,
        sightings.exposed_at,
        events.visitor_id,
        events.stream_id,
        events.device,
        events.country
    from sightings
    inner join {{ ref('stg_events') }} as events
        on
            sightings.site_id = events.site_id
            and sightings.event_id = events.event_id
    where sightings.exposure_number = 1

),

visits as (

    select
        first_sightings.*,
        sessions.session_id,
        sessions.channel,
        sessions.device as session_device,
        sessions.country as session_country,
        sessions.visitor_id as session_visitor_id
    from first_sightings
    left join {{ ref('fct_sessions') }} as sessions
        on
            first_sightings.site_id = sessions.site_id
            and first_sightings.stream_id = sessions.stream_id
            and first_sightings.exposed_at >= sessions.first_event_at
            and first_sightings.exposed_at <= sessions.ended_at

),

final as (

    select
        visits.site_id,
        visits.experiment_id,
        visits.unit_id,
        exposures.variant_id,
        exposures.variants_seen > 1 as is_multiple,
        coalesce(visits.session_visitor_id, visits.visitor_id) as visitor_id,
        visits.stream_id,
        visits.channel,
        coalesce(visits.country, visits.session_country) as country,
        coalesce(visits.device, visits.session_device) as device,
        case
            when exposures.is_cookieless or visits.session_id is null then null
            when visits.session_id = visitors.first_session_id then 'new'
            else 'returning'
        end as visitor_type
    from visits
    inner join exposures
        on
            visits.site_id = exposures.site_id
            and visits.experiment_id = exposures.experiment_id
            and visits.unit_id = exposures.unit_id
    left join {{ ref('dim_visitors') }} as visitors
        on
            visits.site_id = visitors.site_id
            and visits.session_visitor_id = visitors.visitor_id

)

select * from final
